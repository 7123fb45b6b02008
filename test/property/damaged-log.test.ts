import { equal, ok as holds } from 'node:assert/strict';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { epoch, offset } from '../../src/base/brands.ts';
import type { LogBatch } from '../../src/raft/batch.ts';
import { continuationGuard, frameGuard, segmentGuard } from '../../src/runtime/log/sectors.ts';
import { BatchMaker, bytesOf, LogBench } from '../storage/log-bench.ts';
import { check, timeoutMs } from './check.ts';

/** One thing that was done to the log, and acknowledged before the next. */
type Deed =
  | { readonly kind: 'append'; readonly sizes: readonly number[] }
  | { readonly kind: 'truncate'; readonly percent: number }
  | { readonly kind: 'reset'; readonly by: number }
  | { readonly kind: 'losePower' };

/** One byte of one of the files, or the end of one. */
type Damage = {
  readonly file: number;
  readonly position: number;
  readonly mask: number;
  readonly isCut: boolean;
};

type Outcome = 'whole' | 'corruption';

/** A log whose every record is acknowledged, which is then damaged where it lies. */
class DamagedLog {
  readonly #bench: LogBench;
  readonly #maker = new BatchMaker();
  #log;
  #ioId = 0;
  /** What the log held after each deed, the latest last. */
  readonly #states: (readonly LogBatch[])[] = [[]];

  constructor(seed: number, sectors: number) {
    this.#bench = new LogBench({ seed, segmentBytes: sectors * 512 });
    this.#log = this.#bench.openSound().log;
  }

  do(deed: Deed): void {
    const held = this.#held;
    switch (deed.kind) {
      case 'append': {
        const batches = deed.sizes.map((size) => this.#maker.data(1 + (size % 3), size, ++this.#ioId));
        this.#log.append(++this.#ioId, batches);
        // Appended one by one, so that a damaged end may be any of them.
        batches.forEach((_batch, at) => this.#states.push([...held, ...batches.slice(0, at + 1)]));
        break;
      }
      case 'truncate': {
        const at = Math.floor((held.length * deed.percent) / 100);
        const first = held[at];
        if (first === undefined) return;
        this.#log.truncate(++this.#ioId, first.baseOffset);
        this.#states.push(held.slice(0, at));
        break;
      }
      case 'reset': {
        const endOffset = offset(this.#log.endOffset + deed.by);
        this.#maker.epoch++;
        this.#log.resetTo(++this.#ioId, { endOffset, epoch: epoch(this.#maker.epoch) }, 1_000 + this.#ioId);
        this.#states.push([]);
        break;
      }
      case 'losePower':
        this.#bench.disk.losePower();
        this.#log = this.#bench.openSound().log;
    }
    this.#bench.scheduler.runUntilIdle();
    equal(this.#log.flushedOffset, this.#log.endOffset);
    this.#goOnFromEnd();
  }

  get #held(): readonly LogBatch[] {
    return this.#states.at(-1) ?? [];
  }

  #goOnFromEnd(): void {
    this.#maker.end = this.#log.endOffset;
    const crc = this.#log.chainCrcAt(this.#log.endOffset);
    assert(crc !== null, 'the chain CRC at the end is known');
    this.#maker.chainCrc = crc;
  }

  damage(damages: readonly Damage[]): void {
    const { disk } = this.#bench;
    const files = disk.paths().filter((path) => path.endsWith('.log'));
    disk.killProcess();
    for (const { file, position, mask, isCut } of damages) {
      const path = files[file % files.length];
      if (path === undefined) continue;
      const { length } = disk.bytes(path) ?? { length: 0 };
      if (length === 0) continue;
      if (isCut) disk.cut(path, position % length);
      else disk.corrupt(path, position % length, mask);
    }
  }

  /** Opens what was damaged. It holds all, or it says that it does not. */
  reopen(): Outcome {
    const end = this.#log.endOffset;
    const opened = this.#bench.openSound();
    const { recovery } = opened;
    this.#log = opened.log;
    const held = this.#bench.readAll(this.#log, recovery.logStart.endOffset);
    // A torn tail may be found where a changed byte looks like the rest of a frame; nothing may be missing by it.
    if (recovery.corruption === null) {
      equal(this.#log.endOffset, end);
      holds(isSame(held, this.#held), 'shorter or other without a word');
      return 'whole';
    }
    holds(
      this.#states.some((state) => isRunOf(held, state)),
      'what is left is no part of anything that was there',
    );
    this.#states.push(held);
    return 'corruption';
  }

  /** After it has told of the corruption, the log takes new records and keeps them. */
  expectToGoOn(): void {
    this.#goOnFromEnd();
    this.do({ kind: 'append', sizes: [100, 700] });
    const { endOffset } = this.#log;
    this.#bench.disk.losePower();
    const { log, recovery } = this.#bench.openSound({ expectsLog: true });
    equal(recovery.corruption, null);
    equal(log.endOffset, endOffset);
    holds(isSame(this.#bench.readAll(log, recovery.logStart.endOffset), this.#held));
  }
}

function isSame(left: readonly LogBatch[], right: readonly LogBatch[]): boolean {
  return left.length === right.length && isRunOf(left, right);
}

/** Whether the batches stand, one after another, in what was there. */
function isRunOf(run: readonly LogBatch[], whole: readonly LogBatch[]): boolean {
  const [first] = run;
  if (first === undefined) return true;
  const from = whole.findIndex((batch) => batch.baseOffset === first.baseOffset);
  if (from === -1) return false;
  return run.every((batch, at) => {
    const other = whole[from + at];
    return other !== undefined && Buffer.compare(bytesOf(batch), bytesOf(other)) === 0;
  });
}

const deeds: fc.Arbitrary<readonly Deed[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        sizes: fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 400, max: 3_000 })), {
          minLength: 1,
          maxLength: 4,
          size: 'max',
        }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('truncate' as const), percent: fc.nat({ max: 99 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const), by: fc.nat({ max: 9 }) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'losePower' as const }) },
  ),
  { minLength: 1, maxLength: 20, size: 'max' },
);

const damages: fc.Arbitrary<readonly Damage[]> = fc.array(
  fc.record({
    file: fc.nat({ max: 30 }),
    // Headers and guard bytes stand at the beginning of sectors.
    position: fc.oneof(
      fc.nat({ max: 30_000 }),
      fc
        .tuple(fc.nat({ max: 40 }), fc.oneof(fc.constant(0), fc.nat({ max: 45 })))
        .map(([sector, at]) => sector * 512 + at),
    ),
    // A guard byte becomes zero, as if nothing had been written there; or any byte another.
    mask: fc.oneof(
      fc.integer({ min: 1, max: 255 }),
      fc.constantFrom(segmentGuard, frameGuard, continuationGuard),
    ),
    isCut: fc.nat({ max: 9 }).map((value) => value === 0),
  }),
  { minLength: 1, maxLength: 3, size: 'max' },
);

describe('a log whose every record is acknowledged', () => {
  it('loses none of them without a word, whatever is changed where it lies', { timeout: timeoutMs }, () => {
    const counts = { whole: 0, corruption: 0 };
    check(
      fc.property(fc.nat(), fc.integer({ min: 8, max: 20 }), deeds, damages, (seed, sectors, done, harm) => {
        const log = new DamagedLog(seed, sectors);
        for (const deed of done) log.do(deed);
        log.damage(harm);
        counts[log.reopen()]++;
        log.expectToGoOn();
      }),
      300,
    );
    // Bytes behind the last record are of nothing; most of the others are of something.
    expect(counts.whole).toBeGreaterThan(0);
    expect(counts.corruption).toBeGreaterThan(0);
  });
});
