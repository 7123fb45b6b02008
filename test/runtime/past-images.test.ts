import { describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { epoch, type Offset, offset } from '../../src/base/brands.ts';
import { createImageBuilder, emptyImage, imageDigest, type MetadataImage } from '../../src/metadata/image.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { runtimeLimits } from '../../src/runtime/limits.ts';
import { PastImages, type PastState } from '../../src/runtime/requests/past-images.ts';
import { VirtualProcess } from './support/clock.ts';
import { ListLog } from './support/list-log.ts';
import { abort, begin, end } from './support/transactions.ts';

const { pastRecordsMax, pastAgeMs, pastImageRecords, pastReadsWaitingMax } = runtimeLimits;

const session = (sessionId: number): MetadataRecord => ({
  type: 'OpenSessionRecord',
  sessionId,
  principal: 'tester',
  timeoutMs: 60_000,
});

/** A node that applies batches of so many sessions. */
class Scene extends VirtualProcess {
  readonly log = new ListLog(this.schedule);
  readonly images: MetadataImage[] = [emptyImage];
  image: MetadataImage = emptyImage;
  readonly past = new PastImages({
    clock: this.clock,
    log: this.log.asLog(),
    image: () => this.image,
    logStartOffset: () => this.logStart ?? this.log.startOffset,
  });
  /** Where the core believes that the log starts, while that is something else. */
  logStart: Offset | null = null;

  apply(count: number): void {
    const from = this.image.endOffset;
    const records = Array.from({ length: count }, (_, at) => session(from + at));
    this.log.data(records);
    const builder = createImageBuilder(this.image);
    for (const [at, record] of records.entries()) {
      builder.replay(record, { offset: offset(from + at), epoch: epoch(1), timestampMs: 7 });
    }
    this.image = builder.freeze(offset(from + count), epoch(1));
    this.images.push(this.image);
    this.past.applied();
  }

  find(at: number): PastState {
    return this.await<PastState>((complete) => this.past.find(offset(at), complete));
  }
}

function digestOf(state: PastState): string | null {
  return state.kind === 'there' ? imageDigest(state.image) : null;
}

describe('the past of a node', () => {
  it('is at each end of a batch what the log up to there gives', () => {
    const scene = new Scene();
    for (let at = 0; at < 30; at++) scene.apply(1 + (at % 4) * 500);
    expect(scene.past.keptCount).toBeGreaterThan(1);
    for (const image of scene.images) {
      expect([image.endOffset, digestOf(scene.find(image.endOffset))]).toEqual([
        image.endOffset,
        imageDigest(image),
      ]);
    }
  });

  it('shows a batch whole or not at all, and says where it begins and ends', () => {
    const scene = new Scene();
    scene.apply(3);
    scene.apply(5);
    scene.apply(1);
    expect(scene.find(6)).toEqual({ kind: 'within', baseOffset: 3, endOffset: 8 });
  });

  // Seed 8101024 of operators on the whole node: a snapshot had replaced the log, and what the node knew of it was
  // older still, when the past was asked for. The answer was that all of it was one batch.
  it.each([9, 18])(
    'is gone, and no part of a batch, once a snapshot has replaced the log: state at %i',
    (end) => {
      const scene = new Scene();
      scene.apply(3);
      scene.apply(5);
      scene.apply(1);
      scene.logStart = offset(0);
      scene.log.cleanTo(offset(18));
      if (end === 18) scene.image = createImageBuilder(scene.image).freeze(offset(18), epoch(1));
      expect(scene.find(7)).toEqual({ kind: 'gone', oldest: end, newest: end });
    },
  );

  it('reaches back so many records, with few images', () => {
    const scene = new Scene();
    for (let at = 0; at < 130; at++) scene.apply(1_000);
    expect(scene.past.keptCount).toBeLessThanOrEqual(pastRecordsMax / pastImageRecords + 2);
    const newest = scene.image.endOffset;
    expect(digestOf(scene.find(newest - pastRecordsMax))).not.toBeNull();
    const oldest = newest - pastRecordsMax - 2 * pastImageRecords;
    const state = scene.find(oldest);
    expect(state).toMatchObject({ kind: 'gone', newest });
    assert(state.kind === 'gone', 'it is held no more');
    expect(digestOf(scene.find(state.oldest))).not.toBeNull();
  });

  it('keeps for a while what was before a change, however long that had stood', () => {
    const scene = new Scene();
    scene.apply(2);
    scene.run(10 * pastAgeMs);
    scene.apply(pastImageRecords);
    scene.run(pastAgeMs - 100);
    expect(digestOf(scene.find(2))).toBe(imageDigest(scene.images[1] ?? emptyImage));
    scene.run(200);
    expect(scene.find(2)).toMatchObject({ kind: 'gone' });
    expect(digestOf(scene.find(scene.image.endOffset))).not.toBeNull();
  });

  it('begins where the log does', () => {
    const scene = new Scene();
    for (let at = 0; at < 12; at++) scene.apply(2_000);
    scene.log.cleanTo(offset(6_000));
    const state = scene.find(4_000);
    expect(state).toMatchObject({ kind: 'gone', newest: 24_000 });
    assert(state.kind === 'gone', 'it is held no more');
    expect(state.oldest).toBeGreaterThanOrEqual(6_000);
    scene.log.cleanTo(offset(24_000));
    expect(scene.find(22_000)).toEqual({ kind: 'gone', oldest: 24_000, newest: 24_000 });
    expect(digestOf(scene.find(24_000))).not.toBeNull();
  });

  it('is made once for all who ask for the same, one state at a time, and for no more than a limit', () => {
    const scene = new Scene();
    for (let at = 0; at < 5; at++) scene.apply(10);
    const states: PastState[] = [];
    const ask = (at: number): void => scene.past.find(offset(at), (state) => states.push(state));
    for (let at = 0; at < pastReadsWaitingMax; at++) ask(10 + (at % 4) * 10);
    expect(scene.past.waitingCount).toBe(pastReadsWaitingMax);
    ask(10);
    expect(states).toEqual([{ kind: 'busy' }]);
    scene.run(1_000);
    expect(states).toHaveLength(pastReadsWaitingMax + 1);
    expect(scene.log.reads).toEqual(['0-10', '0-20', '0-30', '0-40']);
    expect(scene.past.waitingCount).toBe(0);
  });
});

describe('the past of a log with transactions', () => {
  it('stands outside of them, and is after an aborted one what it was before', () => {
    const scene = new Scene();
    scene.apply(2);
    const before = scene.image;
    for (const records of [[begin, session(3)], [session(4), end], [begin, session(7)], [abort]]) {
      scene.log.data(records);
    }
    const builder = createImageBuilder(before);
    for (const at of [3, 4]) {
      builder.replay(session(at), { offset: offset(at), epoch: epoch(1), timestampMs: 7 });
    }
    scene.image = builder.freeze(scene.log.endOffset, epoch(1));
    expect([3, 4, 5].map((at) => scene.find(at))).toEqual(
      [3, 4, 5].map(() => ({ kind: 'within', baseOffset: 2, endOffset: 6 })),
    );
    expect(scene.find(8)).toEqual({ kind: 'within', baseOffset: 6, endOffset: 9 });
    const idsAt = (at: number): readonly number[] => {
      const state = scene.find(at);
      assert(state.kind === 'there', `the state at ${at} is there`);
      return [...state.image.session.sessions.values()].map(({ sessionId }) => sessionId);
    };
    expect(idsAt(2)).toEqual([0, 1]);
    expect(idsAt(6)).toEqual([0, 1, 3, 4]);
    expect(idsAt(9)).toEqual([0, 1, 3, 4]);
  });
});
