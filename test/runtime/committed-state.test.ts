import { describe, expect, it } from 'vitest';
import { epoch, offset } from '../../src/base/brands.ts';
import { createImageBuilder, emptyImage, imageDigest, type MetadataImage } from '../../src/metadata/image.ts';
import { builtInRegistry, type MetadataRecord } from '../../src/metadata/registry.ts';
import type { LogBatch } from '../../src/raft/batch.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { CommittedState } from '../../src/runtime/state/committed-state.ts';
import { BatchRecords } from '../../src/runtime/watch/batch-records.ts';
import { slowClock, VirtualProcess } from './support/clock.ts';
import { ListLog } from './support/list-log.ts';
import { impossible, noOps } from './support/operations.ts';
import { abort, begin, end } from './support/transactions.ts';

function start(
  clockOf = (host: VirtualProcess): Clock => host.clock,
  faultOf: (image: MetadataImage) => string | null = () => null,
): {
  readonly host: VirtualProcess;
  readonly log: ListLog;
  readonly state: CommittedState;
  readonly applied: number[];
  readonly failures: string[];
} {
  const host = new VirtualProcess();
  const log = new ListLog(host.schedule);
  const applied: number[] = [];
  const failures: string[] = [];
  const state = new CommittedState({
    image: emptyImage,
    log: log.asLog(),
    records: new BatchRecords(builtInRegistry),
    clock: clockOf(host),
    onApplied: (image) => applied.push(image.endOffset),
    faultOf,
    onFailed: (reason) => failures.push(reason),
  });
  return { host, log, state, applied, failures };
}

const session = (sessionId: number): MetadataRecord => ({
  type: 'OpenSessionRecord',
  sessionId,
  principal: 'tester',
  timeoutMs: 60_000,
});

function after(image: MetadataImage, records: readonly MetadataRecord[], from: number): MetadataImage {
  const builder = createImageBuilder(image);
  for (const [at, record] of records.entries()) {
    builder.replay(record, { offset: offset(from + at), epoch: epoch(1), timestampMs: 7 });
  }
  return builder.freeze(offset(from + records.length), epoch(1));
}

describe('the committed state', () => {
  it('replays what is committed and not a record more', () => {
    const { host, log, state, failures } = start();
    log.control();
    log.data([session(1)]);
    log.data([session(2)]);
    state.advance(offset(2));
    host.run(10);
    expect(state.appliedOffset).toBe(2);
    expect([...state.image.session.sessions.values()]).toHaveLength(1);
    state.advance(offset(3));
    host.run(10);
    expect([...state.image.session.sessions.values()]).toHaveLength(2);
    expect(failures).toEqual([]);
  });

  it('moves a pointer over what this leader has proposed, and reads nothing', () => {
    const { log, state, applied } = start();
    const first = after(emptyImage, [session(0)], 0);
    const second = after(first, [session(1)], 1);
    state.remember(offset(0), first, 1);
    state.remember(offset(1), second, 1);
    state.advance(offset(1));
    expect(state.image).toBe(first);
    state.advance(offset(2));
    expect(state.image).toBe(second);
    expect(applied).toEqual([1, 2]);
    expect(log.reads).toEqual([]);
  });

  it('reads only the control records that stand before a proposal', () => {
    const { host, log, state } = start();
    log.control();
    log.control();
    log.data([session(2)]);
    const image = after({ ...emptyImage, endOffset: offset(2) }, [session(2)], 2);
    state.remember(offset(2), image, 1);
    state.advance(offset(3));
    host.run(10);
    expect(state.image).toBe(image);
    expect(log.reads).toEqual(['0-2']);
  });

  it('takes nothing that was proposed once leadership is lost, but what the log holds', () => {
    const { host, log, state } = start();
    state.remember(offset(0), after(emptyImage, [session(99)], 0), 1);
    state.forgetProposed();
    log.data([session(0)], 2);
    state.advance(offset(1));
    host.run(10);
    expect([...state.image.session.sessions.values()].map(({ sessionId }) => sessionId)).toEqual([0]);
    expect(state.image.epoch).toBe(2);
  });

  it('comes by the log to the same state as by the proposals', () => {
    const leader = start();
    const follower = start();
    let image = emptyImage;
    for (let at = 0; at < 20; at++) {
      const records = [session(at * 2), ...noOps(1)];
      follower.log.data(records);
      image = after(image, records, at * 2);
      leader.state.remember(offset(at * 2), image, 1);
    }
    leader.state.advance(offset(40));
    follower.state.advance(offset(40));
    follower.host.run(100);
    expect(imageDigest(follower.state.image)).toBe(imageDigest(leader.state.image));
    expect(follower.state.appliedOffset).toBe(40);
  });

  it('goes on to what was committed while it was reading', () => {
    const { host, log, state, applied } = start();
    for (let at = 0; at < 10; at++) log.data([session(at)]);
    state.advance(offset(3));
    state.advance(offset(10));
    host.run(50);
    expect(applied.at(-1)).toBe(10);
    expect(applied.toSorted((left, right) => left - right)).toEqual(applied);
  });

  it('stops the node at a committed record that cannot be replayed, and keeps the state before it', () => {
    const { host, log, state, failures } = start();
    log.data([session(0)]);
    log.data([impossible]);
    state.advance(offset(1));
    host.run(10);
    state.advance(offset(2));
    host.run(10);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain('offset 1');
    expect(state.appliedOffset).toBe(1);
  });

  it('stops the node at a gap in the log', () => {
    const { host, log, state, failures } = start();
    log.data([session(0)]);
    log.batches[0] = { ...(log.batches[0] as LogBatch), baseOffset: offset(1) };
    state.advance(offset(2));
    host.run(10);
    expect(failures).toHaveLength(1);
  });

  it('throws a read away that was under way when a snapshot took the log’s place', () => {
    const { host, log, state, failures, applied } = start();
    for (let at = 0; at < 4; at++) log.data([session(at)]);
    state.advance(offset(4));
    state.suspend();
    host.run(10);
    expect(applied).toEqual([]);
    const snapshot = { ...emptyImage, endOffset: offset(50), epoch: epoch(3) };
    state.replaceBy(snapshot);
    host.run(10);
    expect(state.image).toBe(snapshot);
    expect(failures).toEqual([]);
    expect(applied).toEqual([50]);
  });

  it('shows nothing of a batch that takes many slices before its end', () => {
    const { host, log, state, applied, failures } = start(slowClock);
    log.data(Array.from({ length: 300 }, (_, at) => session(at)));
    log.data([session(300)]);
    state.advance(offset(301));
    const seen = new Set<number>();
    // One event at a time: between two slices others get their turn.
    while (state.appliedOffset < 301 && host.world.nowUs < 1_000_000) {
      host.world.runUntil(host.world.nowUs + 1);
      seen.add(state.image.session.sessions.size);
    }
    expect([...seen]).toEqual([0, 301]);
    expect(applied).toEqual([301]);
    expect(failures).toEqual([]);
  });

  it('drops a replay that is between two slices when a snapshot takes the log’s place, or the node stops', () => {
    for (const isStopped of [false, true]) {
      let turns = 0;
      const { host, log, state, applied, failures } = start((process) =>
        slowClock(process, () => {
          turns += 1;
          if (turns !== 2) return;
          if (isStopped) state.close();
          else state.replaceBy({ ...emptyImage, endOffset: offset(500), epoch: epoch(3) });
        }),
      );
      log.data(Array.from({ length: 300 }, (_, at) => session(at)));
      state.advance(offset(300));
      host.run(50);
      expect(turns).toBeGreaterThanOrEqual(2);
      expect(applied).toEqual(isStopped ? [] : [500]);
      expect(state.image.session.sessions.size).toBe(0);
      expect(failures).toEqual([]);
    }
  });

  it('is never set back by a snapshot', () => {
    const { state } = start();
    state.remember(offset(0), after(emptyImage, [session(0), session(1)], 0), 1);
    state.advance(offset(2));
    expect(() => state.replaceBy({ ...emptyImage, endOffset: offset(1) })).toThrow('set the state back');
    expect(() => state.advance(offset(1))).toThrow('went back');
  });

  it('shows no state with a level of a feature that its node does not support, wherever it comes from', () => {
    const level = (featureLevel: number): MetadataRecord => ({
      type: 'FeatureLevelRecord',
      name: 'metadata.version',
      featureLevel,
    });
    const faultOf = (image: MetadataImage): string | null =>
      (image.feature.finalized.get('metadata.version')?.featureLevel ?? 1) > 1 ? 'level 2' : null;
    const { host, log, state, failures } = start(undefined, faultOf);
    log.data([level(1)]);
    log.data([level(2), ...noOps(1)]);
    state.advance(offset(1));
    host.run(10);
    state.advance(offset(3));
    host.run(10);
    expect(failures).toEqual(['the log has level 2']);
    expect(state.appliedOffset).toBe(1);
    const builder = createImageBuilder(emptyImage);
    builder.replay(level(2), { offset: offset(0), epoch: epoch(1), timestampMs: 1 });
    const made = builder.freeze(offset(1), epoch(1));
    const proposing = start(undefined, faultOf);
    proposing.state.remember(offset(0), made, 10);
    proposing.state.advance(offset(1));
    const installing = start(undefined, faultOf);
    installing.state.suspend();
    installing.state.replaceBy(made);
    for (const one of [proposing, installing]) {
      one.host.run(10);
      expect([one.failures, one.state.appliedOffset]).toEqual([['the log has level 2'], 0]);
    }
  });
});

describe('a transaction in the committed log', () => {
  it('is not seen before its End is committed, and then whole', () => {
    const { host, log, state, applied, failures } = start();
    log.data([session(0)]);
    log.data([begin, session(2)]);
    log.control();
    log.data([session(4), end]);
    log.data([session(6)]);
    for (const to of [1, 3, 4, 6, 7]) {
      state.advance(offset(to));
      expect(state.stuckMs() === null || to === 1 || to >= 6).toBe(true);
      host.run(10);
    }
    expect(applied).toEqual([1, 6, 7]);
    const expected = after(
      after(after(emptyImage, [session(0)], 0), [begin, session(2)], 1),
      [session(4), end],
      4,
    );
    expect(imageDigest(state.image)).toBe(imageDigest(after(expected, [session(6)], 6)));
    expect(failures).toEqual([]);
  });

  it('is replayed by several reads where it is large, into an image that nobody is shown', () => {
    const { host, log, state, applied } = start();
    log.data([session(0)]);
    log.data([begin]);
    for (let at = 2; at < 20_002; at += 2_000) {
      log.data(Array.from({ length: 2_000 }, (_, more) => session(at + more)));
    }
    log.data([end]);
    state.advance(log.endOffset);
    host.run(500);
    expect(applied).toEqual([1, log.endOffset]);
    expect(log.reads.length).toBeGreaterThan(2);
    expect([...state.image.session.sessions.values()]).toHaveLength(20_001);
  });

  it('that is aborted leaves the state from before it, and costs a read of its Abort', () => {
    const { host, log, state, applied } = start();
    log.data([session(0)]);
    log.data([begin, session(2)]);
    log.data([impossible]);
    log.control(2);
    log.data([abort], 2, 9);
    log.data([session(6)], 2, 9);
    state.advance(offset(5));
    host.run(10);
    expect(applied).toEqual([1]);
    state.advance(log.endOffset);
    host.run(10);
    expect(applied).toEqual([1, 6, 7]);
    expect([...state.image.session.sessions.values()].map(({ sessionId }) => sessionId)).toEqual([0, 6]);
    expect(log.reads).toEqual(['0-1', '5-6', '6-7']);
    expect(state.image).toMatchObject({ epoch: 2, timestampMs: 9 });
  });

  it('of this leader is shown by a pointer that moves once', () => {
    const { log, state, applied } = start();
    const whole = after(emptyImage, [session(1)], 1);
    log.data([begin, session(1)]);
    log.data([end]);
    state.remember(offset(0), { ...whole, endOffset: offset(3) }, 60);
    state.advance(offset(2));
    expect(applied).toEqual([]);
    state.advance(offset(3));
    expect(applied).toEqual([3]);
    expect(log.reads).toEqual([]);
  });
});
