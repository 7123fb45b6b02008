import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Offset, offset } from '../../src/base/brands.ts';
import { imageDigest } from '../../src/metadata/image.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { batchEndOffset } from '../../src/raft/batch.ts';
import { HubHost, session } from '../runtime/support/hub-host.ts';
import { noOps } from '../runtime/support/operations.ts';
import { gaplessFrom, type RecordedWatch } from '../runtime/support/watch.ts';
import { check, timeoutMs } from './check.ts';

type Step =
  /** Batches of so many records each; an odd size has a session in it. */
  | { readonly kind: 'write'; readonly sizes: readonly number[] }
  | { readonly kind: 'jump'; readonly sizes: readonly number[] }
  | { readonly kind: 'control' }
  | { readonly kind: 'clean'; readonly keep: number }
  /** `place`: which of the log's batches it begins with; null for the state. */
  | { readonly kind: 'open'; readonly place: number | null; readonly isFiltered: boolean }
  | { readonly kind: 'read'; readonly reader: number }
  | { readonly kind: 'time'; readonly ms: number };

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), sizes }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('jump' as const), sizes }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('control' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('clean' as const), keep: fc.nat(6) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('open' as const),
        place: fc.option(fc.nat(20)),
        isFiltered: fc.boolean(),
      }),
    },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('read' as const), reader: fc.nat(5) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.nat(7_000) }) },
  ),
  { maxLength: 60 },
);

type Batch = { readonly base: Offset; readonly end: Offset; readonly sessions: number };

/** A hub, everything that was ever committed, and readers that read when a step says so. */
class WatchedHistory {
  readonly host = new HubHost();
  readonly batches: Batch[] = [];
  readonly digests = new Map<number, string>();
  readonly readers: { readonly watch: RecordedWatch; readonly isFiltered: boolean }[] = [];
  #sessions = 0;

  take(step: Step): void {
    const { host } = this;
    if (step.kind === 'write')
      for (const size of step.sizes) this.#note(() => host.write(this.#records(size)));
    if (step.kind === 'jump') this.#note(() => host.jump(...step.sizes.map((size) => this.#records(size))));
    if (step.kind === 'control') {
      this.#note(() => {
        host.log.control();
        host.commit();
      });
    }
    if (step.kind === 'clean') this.#clean(step.keep);
    if (step.kind === 'open') this.#open(step.place, step.isFiltered);
    if (step.kind === 'read')
      this.readers[step.reader % Math.max(1, this.readers.length)]?.watch.handle.more();
    host.run(step.kind === 'time' ? step.ms : 1);
  }

  #records(size: number): readonly MetadataRecord[] {
    return size % 2 === 0 ? noOps(size) : [session(this.#sessions++), ...noOps(size - 1)];
  }

  #note(commit: () => void): void {
    const from = this.host.image.endOffset;
    const before = this.host.log.batches.length;
    commit();
    // What a jump has written is nowhere in the log any more, and nobody is sent it.
    for (const batch of this.host.log.batches.slice(before)) {
      if (batch.baseOffset < from) continue;
      const sessions = batch.kind === 'data' && batch.recordCount % 2 === 1 ? 1 : 0;
      this.batches.push({ base: batch.baseOffset, end: batchEndOffset(batch), sessions });
    }
    this.digests.set(this.host.image.endOffset, imageDigest(this.host.image));
  }

  #clean(keep: number): void {
    const { log } = this.host;
    const at = log.batches.at(-1 - keep)?.baseOffset;
    if (at !== undefined) log.cleanTo(at);
  }

  #open(place: number | null, isFiltered: boolean): void {
    if (this.readers.length >= 6) return;
    const { log, image } = this.host;
    const since = place === null ? null : (log.batches[place]?.baseOffset ?? image.endOffset);
    const watch = this.host.watch({ since, kinds: isFiltered ? ['session'] : null });
    watch.isReading = false;
    this.readers.push({ watch, isFiltered });
    this.host.run(1);
  }

  /** Everybody reads to the end. */
  finish(): void {
    for (const { watch } of this.readers) {
      watch.isReading = true;
      watch.handle.more();
    }
    this.host.run(60_000);
  }

  /** What is wrong with what each reader was sent. */
  faults(): readonly string[] {
    return this.readers.flatMap(({ watch, isFiltered }) => {
      const wrong = [
        ...(this.#isLog(watch, isFiltered) ? [] : ['it is not the log']),
        ...(this.#isAtEnd(watch) ? [] : ['it neither has everything nor was told that it cannot']),
        ...(areBookmarksBehind(watch) ? [] : ['a bookmark is behind what was sent']),
        ...(isFiltered || this.#isCopyRight(watch) ? [] : ['its copy is another state']),
      ];
      return wrong.map((fault) => `${fault}: ${JSON.stringify(watch.received)}`);
    });
  }

  #isLog({ deltas }: RecordedWatch, isFiltered: boolean): boolean {
    const first = deltas[0]?.baseOffset ?? 0;
    const end = deltas.at(-1)?.endOffset ?? 0;
    const expected = this.batches
      .filter(({ base, end: to, sessions }) => base >= first && to <= end && (!isFiltered || sessions > 0))
      .map((batch) => `${batch.base}-${batch.end}`);
    const shown = deltas.map(({ baseOffset, endOffset }) => `${baseOffset}-${endOffset}`);
    return shown.join() === expected.join() && (isFiltered || gaplessFrom(deltas));
  }

  #isAtEnd({ end, position }: RecordedWatch): boolean {
    const { log, image } = this.host;
    if (end === null) return position === null || position === image.endOffset;
    return end.code === 'OFFSET_OUT_OF_RANGE' && log.startOffset > (position ?? 0);
  }

  #isCopyRight(watch: RecordedWatch): boolean {
    if (watch.kinds[0] !== 'stateBegin' || !watch.kinds.includes('stateEnd')) return true;
    const { image } = watch.image();
    if (image === null) return false;
    return imageDigest(image) === (this.digests.get(image.endOffset) ?? emptyDigest);
  }
}

function areBookmarksBehind({ received }: RecordedWatch): boolean {
  let sent = 0;
  return received.every((event) => {
    if (event.kind === 'delta') sent = event.endOffset;
    return event.kind !== 'bookmark' || event.offset >= sent;
  });
}

const emptyDigest = imageDigest(new HubHost().image);

describe('whoever watches', () => {
  it('is sent every batch once and in order, or is told that it cannot be, whatever happens', {
    timeout: timeoutMs,
  }, () => {
    const property = fc.property(steps, (sequence) => {
      const history = new WatchedHistory();
      for (const step of sequence) history.take(step);
      history.finish();
      expect(history.faults()).toEqual([]);
    });
    expect(() => check(property, 150)).not.toThrow();
  });

  it('is sent what it resumes with at any offset of the log', () => {
    const host = new HubHost();
    for (let at = 0; at < 10; at++) host.write([session(at), ...noOps(at)]);
    for (let since = 0; since <= host.image.endOffset; since++) {
      const watch = host.watch({ since: offset(since) });
      host.run(5);
      const held = host.log.batches.find((batch) => batchEndOffset(batch) > since);
      expect(watch.deltas[0]?.baseOffset).toBe(held?.baseOffset);
      expect(watch.position).toBe(held === undefined ? null : host.image.endOffset);
      watch.handle.close();
    }
  });
});
