import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset, uuid } from '../../src/base/brands.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { createRaftCore, type RaftCore } from '../../src/raft/core.ts';
import type { Effect } from '../../src/raft/effects.ts';
import type { Input } from '../../src/raft/inputs.ts';
import { LogView } from '../../src/raft/log-view.ts';
import type { Message } from '../../src/raft/messages.ts';
import { batchOf } from './harness/cluster.ts';
import { clusterId, keyOf, origin, testConfig, voterOf } from './harness/host.ts';
import { batchesOf, fetchOf, Lone, recordsOf, voteRequest } from './harness/lone.ts';

function newCore(seed: number): RaftCore {
  return createRaftCore({
    config: testConfig,
    recovered: {
      clusterId,
      local: keyOf(1),
      quorumState: { epoch: epoch(2), leaderId: null, voted: null, recovering: seed % 7 === 0 },
      logStart: origin,
      latestSnapshot: null,
      logEndOffset: offset(4),
      epochStarts: [
        { epoch: epoch(1), startOffset: offset(0) },
        { epoch: epoch(2), startOffset: offset(2) },
      ],
      voterSets: [{ offset: offset(0), voters: [voterOf(1), voterOf(2), voterOf(3)] }],
      kraftVersion: 1,
      kraftVersionOffset: null,
      appliedOffset: offset(0),
      bootstrapPeers: [nodeId(2), nodeId(3)],
    },
    random: seededRandom(seed),
    nowMs: 0,
  });
}

/** Messages of every kind, with fields that are plausible or absurd. */
function anyMessage(random: Random): Message {
  const small = (): number => (random.chance(1, 20) ? -1 : random.integer(8));
  const anyEpoch = (): never => (random.chance(1, 30) ? 1.5 : small()) as never;
  const anyOffset = (): never => (random.chance(1, 30) ? Number.NaN : small()) as never;
  const anyKey = () => keyOf(1 + random.integer(4), random.chance(1, 8) ? 'b' : 'a');
  const head = {
    clusterId: random.chance(1, 30) ? uuid('otherClusterIdAAAAAAAA') : clusterId,
    epoch: anyEpoch(),
  };
  const leaderId = random.chance(1, 2) ? null : nodeId(1 + random.integer(4));
  const answer = { ...head, leaderId };
  const snapshotId = { endOffset: anyOffset(), epoch: anyEpoch() };
  const log = Array.from({ length: random.integer(8) }, () => random.integer(4));
  const from = random.integer(6);
  const refused = { kind: 'refused', error: 'NOT_LEADER_OR_FOLLOWER' } as const;
  const kinds: readonly (() => Message)[] = [
    () =>
      ({
        ...voteRequest(2, { epoch: 1 }),
        ...head,
        candidate: anyKey(),
        lastEpoch: anyEpoch(),
        logEndOffset: anyOffset(),
        preVote: random.chance(1, 2),
      }) as Message,
    () => ({
      type: 'voteResponse',
      ...answer,
      voter: anyKey(),
      voteGranted: random.chance(1, 2),
      preVote: random.chance(1, 2),
      requestEpoch: anyEpoch(),
    }),
    () => ({ type: 'beginQuorumEpochRequest', ...head, leader: anyKey(), voter: anyKey() }),
    () => ({ type: 'beginQuorumEpochResponse', ...answer }),
    () => ({ type: 'endQuorumEpochRequest', ...head, leader: anyKey(), preferredSuccessors: [anyKey()] }),
    () => ({ type: 'endQuorumEpochResponse', ...answer }),
    () => ({
      type: 'fetchRequest',
      ...head,
      replica: anyKey(),
      fetchOffset: anyOffset(),
      lastFetchedEpoch: anyEpoch(),
      flushedOffset: anyOffset(),
      highWatermark: anyOffset(),
      round: small(),
      fetchId: small(),
      space: random.chance(1, 8) ? 'exhausted' : 'enough',
    }),
    () => ({
      type: 'fetchResponse',
      ...answer,
      fetchId: small(),
      outcome: recordsOf(log, Math.min(from, log.length), {
        highWatermark: random.integer(8),
        epochStartOffset: random.integer(8),
      }),
    }),
    () => ({
      type: 'fetchResponse',
      ...answer,
      fetchId: small(),
      outcome: { kind: 'diverging', divergingEpoch: anyEpoch(), endOffset: anyOffset() },
    }),
    () => ({
      type: 'fetchResponse',
      ...answer,
      fetchId: small(),
      outcome: random.chance(1, 2) ? refused : { kind: 'snapshot', snapshotId },
    }),
    () => ({
      type: 'fetchSnapshotRequest',
      ...head,
      replica: anyKey(),
      snapshotId,
      position: small(),
      maxBytes: small(),
    }),
    () => ({
      type: 'fetchSnapshotResponse',
      ...answer,
      snapshotId,
      outcome: random.chance(1, 3)
        ? refused
        : { kind: 'chunk', position: small(), bytes: new Uint8Array(2), crc: 0, last: random.chance(1, 3) },
    }),
  ];
  const make = kinds[random.integer(kinds.length)];
  if (make === undefined) throw new Error('there are kinds');
  return make();
}

/** Puts the numbers of the core's own last fetch into an answer, so that it is not thrown away at once. */
function aimed(message: Message, lastFetchId: number): Message {
  return message.type === 'fetchResponse' ? { ...message, fetchId: lastFetchId } : message;
}

/** Drives a core alone through `steps` random inputs; I/O completes in order, sooner or later. */
function drive(
  seed: number,
  steps: number,
  onStep: (input: Input, effects: readonly Effect[]) => void,
): RaftCore {
  const random = seededRandom(seed);
  const core = newCore(seed);
  const completions: ((nowMs: number) => Input)[] = [];
  let nowMs = 0;
  let lastFetchId = 0;
  const step = (input: Input): void => {
    const { effects, nextWakeAtMs } = core.step(input);
    onStep(input, effects);
    expect(Number.isNaN(nextWakeAtMs)).toBe(false);
    for (const effect of effects) {
      if (effect.type === 'sendMessage' && effect.message.type === 'fetchRequest')
        lastFetchId = effect.message.fetchId;
      if (effect.type === 'sendMessage' && effect.message.type === 'voteRequest') {
        const granted = grant(effect.message);
        completions.push((atMs) => ({
          type: 'messageReceived',
          nowMs: atMs,
          from: effect.to,
          message: granted,
        }));
      }
      const completion = completionOf(effect);
      if (completion !== null) completions.push(completion);
    }
  };
  step({ type: 'wake', nowMs, stalledMs: 0 });
  for (let turn = 0; turn < steps; turn++) {
    const what = random.integer(10);
    if (what < 5) {
      const message = aimed(anyMessage(random), random.chance(2, 3) ? lastFetchId : 7);
      step({ type: 'messageReceived', nowMs, from: nodeId(1 + random.integer(4)), message });
    } else if (what < 7) {
      const completion = completions.shift();
      if (completion !== undefined) step(completion(nowMs));
    } else if (what < 9) {
      nowMs += random.integer(800);
      step({ type: 'wake', nowMs, stalledMs: random.chance(1, 20) ? 100 : 0 });
    } else step(localInput(random, core, nowMs, turn));
  }
  return core;
}

/** What a well-meaning voter answers, so that leadership is reached, too. */
function grant(request: Extract<Message, { type: 'voteRequest' }>): Message {
  const { epoch: requestEpoch, preVote, voter } = request;
  return {
    type: 'voteResponse',
    clusterId,
    epoch: requestEpoch,
    leaderId: null,
    voter,
    voteGranted: true,
    preVote,
    requestEpoch,
  };
}

function completionOf(effect: Effect): ((nowMs: number) => Input) | null {
  switch (effect.type) {
    case 'persistQuorumState':
      return (nowMs) => ({ type: 'quorumStatePersisted', nowMs, ioId: effect.ioId });
    case 'appendBatches':
      return (nowMs) => ({ type: 'logFlushed', nowMs, ioId: effect.ioId });
    case 'truncateLog':
      return (nowMs) => ({ type: 'logTruncated', nowMs, ioId: effect.ioId });
    case 'storeSnapshotChunk':
      return (nowMs) => ({ type: 'snapshotChunkStored', nowMs, ioId: effect.ioId, position: 0 });
    case 'installSnapshot':
      return (nowMs) => ({ type: 'snapshotInstalled', nowMs, ioId: effect.ioId, snapshot: null });
    default:
      return null;
  }
}

function localInput(random: Random, core: RaftCore, nowMs: number, id: number): Input {
  const voters = [voterOf(1), voterOf(2), voterOf(3)].slice(0, 2 + random.integer(2));
  const inputs: readonly Input[] = [
    { type: 'connectionClosed', nowMs, peer: nodeId(2), refused: random.chance(1, 2) },
    { type: 'readBarrierRequested', nowMs, barrierId: id },
    { type: 'resignRequested', nowMs, reason: 'transfer', preferredSuccessor: nodeId(3) },
    { type: 'storageStatusChanged', nowMs, space: random.chance(1, 4) ? 'exhausted' : 'low' },
    { type: 'voterChangeRequested', nowMs, requestId: id, voters },
    {
      type: 'recordsProposed',
      nowMs,
      proposalId: id,
      epoch: core.epoch,
      expectedBaseOffset: core.logEndOffset,
      batches: [batchOf(['a'])],
    },
  ];
  return inputs[random.integer(inputs.length)] ?? { type: 'wake', nowMs, stalledMs: 0 };
}

describe('the core', () => {
  it('never throws, whatever peers send, and keeps its invariants', () => {
    const roles = new Set<string>();
    let bad = 0;
    for (let seed = 1; seed <= 150; seed++) {
      drive(seed, 400, (_input, effects) => {
        for (const effect of effects) {
          if (effect.type === 'roleChanged') roles.add(effect.role);
          if (effect.type === 'badMessage') bad += 1;
        }
      });
    }
    expect([...roles].sort()).toEqual([
      'candidate',
      'follower',
      'leader',
      'prospective',
      'resigned',
      'unattached',
    ]);
    expect(bad).toBeGreaterThan(1000);
  });

  it('gives the same effects for the same state, seed and inputs', () => {
    const inputs: Input[] = [];
    const first: string[] = [];
    drive(5, 800, (input, effects) => {
      inputs.push(input);
      first.push(JSON.stringify(effects));
    });
    const core = newCore(5);
    expect(inputs.map((input) => JSON.stringify(core.step(input).effects))).toEqual(first);
  });

  it('never asks to be woken again and again at one time', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const core = newCore(seed);
      let nowMs = 0;
      let next = core.step({ type: 'wake', nowMs, stalledMs: 0 }).nextWakeAtMs;
      for (let turn = 0; turn < 300; turn++) {
        nowMs = Math.max(nowMs, next);
        next = core.step({ type: 'wake', nowMs, stalledMs: 0 }).nextWakeAtMs;
        if (next <= nowMs) next = core.step({ type: 'wake', nowMs, stalledMs: 0 }).nextWakeAtMs;
        expect(next).toBeGreaterThan(nowMs);
      }
    }
  });

  it('reports a second leader of its epoch, and a round that was never sent', () => {
    const lone = new Lone();
    lone.becomeLeader();
    lone.receive(2, {
      type: 'beginQuorumEpochRequest',
      clusterId,
      epoch: epoch(1),
      leader: keyOf(2),
      voter: keyOf(1),
    });
    expect(lone.effects.map((effect) => effect.type)).toEqual(['badMessage']);
    lone.receive(2, fetchOf(lone, 2, { round: 99 }));
    expect(lone.effects.map((effect) => effect.type)).toEqual(['badMessage']);
  });

  it('ignores completions that it does not wait for', () => {
    const lone = new Lone({ log: [1] });
    lone.effects = [];
    lone.input({ type: 'logFlushed', ioId: 99 });
    lone.input({ type: 'quorumStatePersisted', ioId: 99 });
    lone.input({ type: 'snapshotChunkStored', ioId: 99, position: 5 });
    lone.input({ type: 'snapshotInstalled', ioId: 99, snapshot: null });
    lone.input({ type: 'logTruncated', ioId: 99 });
    expect(lone.effects).toEqual([]);
    expect(lone.core.flushedOffset).toBe(1);
  });

  it('tells of what it recovered in its first step', () => {
    const lone = new Lone({ log: [1, 1, 1] });
    lone.becomeCommittedLeader();
    lone.host.takeSnapshot(lone.nowMs, offset(2));
    lone.restart();
    expect(lone.effects.slice(0, 2)).toMatchObject([
      { type: 'roleChanged', role: 'resigned' },
      { type: 'highWatermarkAdvanced', highWatermark: 2 },
    ]);
  });

  it('remembers of observers only so many', () => {
    const lone = new Lone();
    lone.becomeLeader();
    for (let id = 10; id < 110; id++) lone.receive(id, fetchOf(lone, id, { replica: keyOf(id) }));
    expect(lone.core.replicas().length).toBe(3 + 64);
  });

  it('forgets the observer that was silent for longest', () => {
    const lone = new Lone();
    lone.becomeLeader();
    for (let id = 10; id < 74; id++) {
      lone.cluster.nowMs += 1;
      lone.receive(id, fetchOf(lone, id, { replica: keyOf(id) }));
    }
    // The first of them speaks again, so that the second has been silent for longest.
    lone.cluster.nowMs += 1;
    lone.receive(10, fetchOf(lone, 10, { replica: keyOf(10) }));
    lone.receive(80, fetchOf(lone, 80, { replica: keyOf(80) }));
    const known = lone.core.replicas().map(({ id }) => id);
    expect(known).toContain(10);
    expect(known).toContain(80);
    expect(known).not.toContain(11);
  });

  it('shows what each replica holds and when it was last heard of', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.cluster.nowMs += 100;
    lone.receive(4, fetchOf(lone, 4, { fetchOffset: 0 }));
    expect(lone.core.replicas()).toMatchObject([
      { id: 1, isVoter: true, logEndOffset: 3 },
      { id: 2, isVoter: true, logEndOffset: 3, lastCaughtUpMs: lone.nowMs - 100 },
      { id: 3, isVoter: true, logEndOffset: 0, lastFetchMs: null, lastCaughtUpMs: null },
      { id: 4, isVoter: false, logEndOffset: 0, lastFetchMs: lone.nowMs, lastCaughtUpMs: null },
    ]);
  });
});

describe('the view of the log', () => {
  const log = new LogView({ endOffset: offset(10), epoch: epoch(2) }, offset(16), [
    { epoch: epoch(2), startOffset: offset(7) },
    { epoch: epoch(4), startOffset: offset(12) },
  ]);

  it('knows the epoch before each offset, and none outside of the log', () => {
    expect([9, 10, 11, 12, 13, 16, 17].map((at) => log.epochBefore(offset(at)))).toEqual([
      null,
      2,
      2,
      2,
      4,
      4,
      null,
    ]);
  });

  it('knows where the largest epoch up to a given one ends', () => {
    const ends = [1, 2, 3, 4, 9].map((of) => log.endOfEpoch(epoch(of)));
    expect(ends).toEqual([
      null,
      { epoch: 2, endOffset: 12 },
      { epoch: 2, endOffset: 12 },
      { epoch: 4, endOffset: 16 },
      { epoch: 4, endOffset: 16 },
    ]);
  });

  it('moves its start, appends and truncates consistently', () => {
    const view = new LogView(origin, offset(0), []);
    view.append(1, batchesOf([1, 1, 2], 0), 0);
    expect(view.noteFlushed(0)).toBe(false);
    expect(view.noteFlushed(1)).toBe(true);
    view.append(2, batchesOf([1, 1, 2, 3], 3), 0);
    view.truncate(offset(2));
    expect(view).toMatchObject({ endOffset: 2, flushedOffset: 2, lastEpoch: 1 });
    expect(view.noteFlushed(2)).toBe(false);
    view.startAt({ endOffset: offset(1), epoch: epoch(1) });
    expect(view.epochBefore(offset(0))).toBeNull();
    expect(view.unflushedBytes).toBe(0);
  });
});
