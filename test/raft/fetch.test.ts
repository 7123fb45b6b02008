import { describe, expect, it } from 'vitest';
import { keyOf, testConfig } from './harness/host.ts';
import {
  answer,
  at,
  batchesOf,
  beginQuorumEpoch,
  epochOf,
  fetchOf,
  follow,
  lastFetch,
  Lone,
  recordsOf,
  voteRequest,
} from './harness/lone.ts';

describe("a leader's answers to fetches", () => {
  it('answers at once when it has records', () => {
    const lone = new Lone({ log: [1, 1] });
    lone.becomeLeader();
    lone.receive(2, fetchOf(lone, 2, { fetchOffset: 1 }));
    expect(lone.seen('sendLogRange')).toMatchObject([{ to: 2, endOffset: 3, epoch: 2 }]);
    expect(lone.sent('fetchResponse', 2)[0]?.outcome).toMatchObject({ kind: 'records', fetchOffset: 1 });
  });

  it('parks a fetch without news for a quarter of the fetch timeout at most', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.receive(2, fetchOf(lone, 2, { round: 1 }));
    expect(lone.sent('fetchResponse')).toEqual([]);
    lone.tick(testConfig.fetchTimeoutMs / 4);
    expect(lone.sent('fetchResponse', 2)).toHaveLength(1);
  });

  it('answers a parked fetch when records are appended', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.receive(2, fetchOf(lone, 2, { round: 1 }));
    lone.propose('a');
    expect(lone.seen('sendLogRange')).toMatchObject([{ to: 2 }]);
  });

  it('answers at once when its high watermark is ahead of the follower’s', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.receive(3, fetchOf(lone, 3, { round: 1 }));
    expect(lone.sent('fetchResponse')).toEqual([]);
    lone.receive(3, fetchOf(lone, 3, { round: 1, highWatermark: 0 }));
    expect(lone.sent('fetchResponse', 3)[0]?.outcome).toMatchObject({ highWatermark: 3, batches: [] });
  });

  it('answers only the newest fetch of a replica', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.receive(2, fetchOf(lone, 2, { round: 1, fetchId: 70 }));
    lone.receive(2, fetchOf(lone, 2, { round: 1, fetchId: 71 }));
    lone.propose('a');
    expect(lone.sent('fetchResponse', 2).map((response) => response.fetchId)).toEqual([71]);
  });

  it('answers a repeated fetch once, and takes its acknowledgement all the same', () => {
    const lone = new Lone({ log: [1] });
    lone.becomeLeader();
    lone.propose('a');
    lone.receive(2, fetchOf(lone, 2, { fetchOffset: 2, flushedOffset: 1, fetchId: 70 }));
    expect(lone.sent('fetchResponse', 2)).toHaveLength(1);
    lone.receive(2, fetchOf(lone, 2, { fetchOffset: 2, flushedOffset: 2, fetchId: 70 }));
    expect(lone.sent('fetchResponse', 2)).toEqual([]);
    expect(lone.core.highWatermark).toBe(2);
  });

  it('says where the logs part when the epoch before the fetch offset is not its own', () => {
    const lone = new Lone({ log: [1, 1, 4, 4, 5] });
    lone.becomeLeader();
    lone.receive(2, fetchOf(lone, 2, { fetchOffset: 4, lastFetchedEpoch: 3 }));
    const outcome = lone.sent('fetchResponse', 2)[0]?.outcome;
    expect(outcome).toEqual({ kind: 'diverging', divergingEpoch: 1, endOffset: 2 });
    const repeated = fetchOf(lone, 2, { fetchOffset: 9, lastFetchedEpoch: 4 });
    lone.receive(2, repeated);
    const longer = lone.sent('fetchResponse', 2)[0]?.outcome;
    expect(longer).toEqual({ kind: 'diverging', divergingEpoch: 4, endOffset: 4 });
    lone.receive(2, repeated);
    expect(lone.sent('fetchResponse', 2)).toEqual([]);
  });

  it('refuses a fetch of an older epoch, and one that it does not lead', () => {
    const lone = new Lone({ epoch: 4 });
    lone.receive(2, fetchOf(lone, 2, { epoch: 3 }));
    expect(lone.sent('fetchResponse')[0]?.outcome).toMatchObject({ error: 'FENCED_LEADER_EPOCH' });
    lone.receive(2, fetchOf(lone, 2, { epoch: 4 }));
    expect(lone.sent('fetchResponse')[0]?.outcome).toMatchObject({ error: 'NOT_LEADER_OR_FOLLOWER' });
  });

  it('names the leader it knows when it refuses a fetch', () => {
    const lone = new Lone();
    follow(lone, 1, 3);
    lone.receive(2, fetchOf(lone, 2));
    expect(lone.sent('fetchResponse')[0]?.leaderId).toBe(3);
  });
});

describe('acknowledgements', () => {
  it('commits what a majority has flushed, its own flush included', () => {
    const lone = new Lone();
    lone.becomeLeader();
    expect(lone.core.highWatermark).toBe(0);
    lone.receive(3, fetchOf(lone, 3));
    expect(lone.core.highWatermark).toBe(3);
  });

  it('does not count what a follower has not flushed', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.propose('a');
    lone.receive(2, fetchOf(lone, 2, { flushedOffset: 3 }));
    expect(lone.core.highWatermark).toBe(3);
    lone.receive(2, fetchOf(lone, 2, { flushedOffset: 4 }));
    expect(lone.core.highWatermark).toBe(4);
  });

  it('does not count its own records before it has flushed them', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.cluster.holdIo(1, true);
    lone.propose('a');
    lone.receive(2, fetchOf(lone, 2));
    expect(lone.core.highWatermark).toBe(3);
    lone.cluster.completeIo(1);
    expect(lone.core.highWatermark).toBe(4);
  });

  it('does not count a fetch whose log does not match', () => {
    const lone = new Lone({ log: [1, 1, 3] });
    lone.becomeLeader();
    lone.receive(2, fetchOf(lone, 2, { fetchOffset: 4, lastFetchedEpoch: 2 }));
    expect(lone.core.highWatermark).toBe(0);
  });

  it('does not count what a matching fetch has flushed beyond its own end', () => {
    const lone = new Lone({ log: [1, 1] });
    lone.becomeLeader();
    lone.receive(2, fetchOf(lone, 2, { fetchOffset: 1, flushedOffset: 3 }));
    expect(lone.core.highWatermark).toBe(0);
  });

  it('does not count observers, nor a voter that came back with another disk', () => {
    const lone = new Lone();
    lone.becomeLeader();
    lone.receive(4, fetchOf(lone, 4));
    lone.receive(2, fetchOf(lone, 2, { replica: keyOf(2, 'b') }));
    expect(lone.core.highWatermark).toBe(0);
    expect(lone.core.replicas()).toHaveLength(5);
  });

  it('does not take an acknowledgement back when an older fetch comes late', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    // The leader's own flush is the last that is missing: until then nothing rests on the follower's.
    lone.cluster.holdIo(1, true);
    lone.propose('a');
    const early = fetchOf(lone, 2, { fetchOffset: 3 });
    lone.receive(2, fetchOf(lone, 2));
    lone.receive(2, early);
    expect(lone.core.highWatermark).toBe(3);
    lone.cluster.completeIo(1);
    expect(lone.core.highWatermark).toBe(4);
  });

  it('commits a record of an older epoch only with one of its own', () => {
    const lone = new Lone({ log: [1, 1] });
    lone.becomeLeader();
    lone.receive(2, fetchOf(lone, 2, { fetchOffset: 2 }));
    lone.receive(3, fetchOf(lone, 3, { fetchOffset: 2 }));
    expect(lone.core.highWatermark).toBe(0);
    lone.receive(3, fetchOf(lone, 3, { fetchOffset: 3 }));
    expect(lone.core.highWatermark).toBe(3);
  });

  it('begins its epoch with a LeaderChange record that names voters and grants', () => {
    const lone = new Lone({ log: [1] });
    lone.becomeLeader();
    const batch = lone.host.log.batches[1];
    expect(batch).toMatchObject({ kind: 'control', baseOffset: 1, epoch: 2, recordCount: 1 });
    expect(batch).toMatchObject({
      records: [
        { type: 'LeaderChange', leaderId: 1, epoch: 2, voterIds: [1, 2, 3], grantingVoterIds: [1, 2] },
      ],
    });
  });

  it('brings the bootstrap voter set into an empty log', () => {
    const lone = new Lone();
    lone.becomeLeader();
    const batch = lone.host.log.batches[0];
    expect(batch?.kind === 'control' && batch.records.map((record) => record.type)).toEqual([
      'LeaderChange',
      'KRaftVersion',
      'KRaftVoters',
    ]);
    expect(lone.core.currentVoterSet.offset).toBe(2);
    expect(lone.core.kraftVersion).toBe(1);
  });

  it('founds a log without voter sets where one of its voters does not understand them', () => {
    const lone = new Lone({ olderVoters: [3] });
    lone.becomeCommittedLeader();
    const batch = lone.host.log.batches[0];
    expect(batch?.kind === 'control' && batch.records.map((record) => record.type)).toEqual(['LeaderChange']);
    expect(lone.core).toMatchObject({ kraftVersion: 0, highWatermark: 1 });
    expect(lone.core.voters.map(({ id }) => id)).toEqual([1, 2, 3]);
    lone.effects = [];
    lone.input({ type: 'voterChangeRequested', requestId: 1, voters: lone.core.voters.slice(0, 2) });
    // A removal adds nobody, and still it would bring a voter set into the log.
    expect(lone.seen('voterChangeAnswered')).toMatchObject([{ error: 'UNSUPPORTED_VERSION' }]);
  });
});

describe("a follower's fetches", () => {
  it('fetches from the end of its log with the epoch before it', () => {
    const lone = new Lone({ log: [1, 1, 2] });
    follow(lone, 3);
    expect(lastFetch(lone)).toMatchObject({
      epoch: 3,
      fetchOffset: 3,
      lastFetchedEpoch: 2,
      flushedOffset: 3,
      round: 0,
    });
  });

  it('fetches in a new epoch only after that epoch is on disk', () => {
    const lone = new Lone();
    lone.cluster.holdIo(1, true);
    lone.receive(2, beginQuorumEpoch(2, 1));
    expect(lone.sent('fetchRequest')).toEqual([]);
    lone.cluster.completeIo(1);
    expect(lastFetch(lone).epoch).toBe(1);
  });

  it('appends what continues its log and asks for more while it flushes', () => {
    const lone = new Lone();
    const fetchId = follow(lone, 1);
    lone.cluster.holdIo(1, true);
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1], 0)));
    expect(lone.core).toMatchObject({ logEndOffset: 2, flushedOffset: 0 });
    expect(lastFetch(lone)).toMatchObject({ fetchOffset: 2, flushedOffset: 0 });
    const { fetchId: asked } = lastFetch(lone);
    lone.cluster.queue = [];
    lone.cluster.completeIo(1);
    expect(lastFetch(lone)).toMatchObject({ fetchOffset: 2, flushedOffset: 2, fetchId: asked });
  });

  it('ignores records that do not begin at its log end, a whole repetition too', () => {
    const lone = new Lone({ log: [1, 1] });
    const fetchId = follow(lone, 1);
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1, 1], 0)));
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1, 1, 1], 3)));
    expect(lone.core.logEndOffset).toBe(2);
    expect(lone.seen('badMessage')).toEqual([]);
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1, 1], 2, { highWatermark: 3 })));
    expect(lone.core).toMatchObject({ logEndOffset: 3, highWatermark: 3 });
  });

  it('ignores answers of another epoch, of another node and to fetches it has not sent', () => {
    const lone = new Lone();
    const fetchId = follow(lone, 2);
    const records = recordsOf([1], 0, { highWatermark: 1 });
    lone.receive(2, { ...answer(lone, 2, fetchId, records), epoch: epochOf(1) });
    lone.receive(3, answer(lone, 2, fetchId, records));
    lone.receive(2, answer(lone, 2, fetchId + 5, records));
    lone.receive(2, answer(lone, 2, fetchId - 1, records));
    expect(lone.core).toMatchObject({ logEndOffset: 0, highWatermark: 0 });
  });

  it('knows as committed what its leader knows, as far as its own log reaches', () => {
    const lone = new Lone();
    const fetchId = follow(lone, 1);
    const log = [1, 1, 1, 1];
    lone.receive(2, answer(lone, 2, fetchId, recordsOf(log, 0, { to: 2, highWatermark: 4 })));
    expect(lone.core.highWatermark).toBe(2);
    expect(lone.seen('applyCommitted')).toMatchObject([{ from: 0, to: 2 }]);
    lone.receive(2, answer(lone, 2, lastFetch(lone).fetchId, recordsOf(log, 2, { highWatermark: 3 })));
    expect(lone.core.highWatermark).toBe(3);
    expect(lone.seen('applyCommitted')).toMatchObject([{ from: 2, to: 3 }]);
  });

  it('truncates where the logs part, with everything after it, and fetches again', () => {
    const lone = new Lone({ log: [1, 1, 2, 2] });
    const fetchId = follow(lone, 3);
    const diverging = { kind: 'diverging', divergingEpoch: epochOf(1), endOffset: at(2) } as const;
    lone.receive(2, answer(lone, 2, fetchId, diverging));
    expect(lone.seen('truncateLog')).toMatchObject([{ to: 2 }]);
    expect(lastFetch(lone)).toMatchObject({ fetchOffset: 2, lastFetchedEpoch: 1 });
  });

  it('truncates within an epoch to the shorter of the two logs', () => {
    const lone = new Lone({ log: [1, 1, 1, 2] });
    const fetchId = follow(lone, 3);
    const diverging = { kind: 'diverging', divergingEpoch: epochOf(1), endOffset: at(2) } as const;
    lone.receive(2, answer(lone, 2, fetchId, diverging));
    expect(lone.core.logEndOffset).toBe(2);
    const longer = new Lone({ log: [1, 1, 1, 2] });
    const other = follow(longer, 3);
    longer.receive(2, answer(longer, 2, other, { ...diverging, endOffset: at(9) }));
    expect(longer.core.logEndOffset).toBe(3);
  });

  it('keeps its log when it votes and when it begins to follow', () => {
    const lone = new Lone({ log: [1, 1, 2, 2] });
    follow(lone, 3);
    expect(lone.core.logEndOffset).toBe(4);
    expect(lone.seen('truncateLog')).toEqual([]);
  });

  it('never truncates what it knows as committed', () => {
    const lone = new Lone({ log: [1, 1] });
    const fetchId = follow(lone, 2);
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1, 2], 2, { highWatermark: 3 })));
    const diverging = { kind: 'diverging', divergingEpoch: epochOf(1), endOffset: at(1) } as const;
    lone.receive(2, answer(lone, 2, lastFetch(lone).fetchId, diverging));
    expect(lone.seen('badMessage')).toHaveLength(1);
    expect(lone.core.logEndOffset).toBe(3);
  });

  it('does not act twice on a divergence', () => {
    const lone = new Lone({ log: [1, 1, 2, 2] });
    const fetchId = follow(lone, 3);
    const diverging = answer(lone, 2, fetchId, {
      kind: 'diverging',
      divergingEpoch: epochOf(1),
      endOffset: at(2),
    });
    lone.receive(2, diverging);
    lone.receive(2, answer(lone, 2, lastFetch(lone).fetchId, recordsOf([1, 1, 3, 3], 2)));
    lone.receive(2, diverging);
    expect(lone.core.logEndOffset).toBe(4);
  });

  it('lets no flush that was asked for before a truncation count above it', () => {
    const lone = new Lone({ log: [1] });
    const fetchId = follow(lone, 2);
    lone.cluster.holdIo(1, true);
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 2, 2], 1)));
    lone.receive(3, beginQuorumEpoch(3, 3));
    lone.host.completeIo(lone.nowMs, 'quorum');
    const diverging = { kind: 'diverging', divergingEpoch: epochOf(1), endOffset: at(1) } as const;
    lone.receive(3, answer(lone, 3, lastFetchTo(lone, 3), diverging));
    lone.receive(3, answer(lone, 3, lastFetchTo(lone, 3), recordsOf([1, 3, 3], 1)));
    expect(lone.core).toMatchObject({ logEndOffset: 3, flushedOffset: 1 });
    lone.host.completeIo(lone.nowMs, 'log');
    expect(lone.core.flushedOffset).toBe(1);
    lone.cluster.completeIo(1);
    expect(lone.core.flushedOffset).toBe(3);
  });

  it('fetches again when an answer does not come, with a new number', () => {
    const lone = new Lone();
    const fetchId = follow(lone, 1);
    lone.tick(testConfig.fetchTimeoutMs / 2);
    expect(lastFetch(lone).fetchId).toBe(fetchId + 1);
    expect(lone.core.role).toBe('follower');
  });

  it('asks for a pre-vote when its leader stays silent for the fetch timeout', () => {
    const lone = new Lone();
    follow(lone, 1);
    lone.tick(testConfig.fetchTimeoutMs);
    expect(lone.core).toMatchObject({ role: 'prospective', epoch: 1 });
  });

  it('looks for another leader as an observer when its leader stays silent', () => {
    const lone = new Lone({ voters: [2, 3] });
    follow(lone, 1);
    lone.tick(testConfig.fetchTimeoutMs);
    expect(lone.core).toMatchObject({ role: 'unattached', epoch: 1 });
    lone.tickToNext();
    expect(lone.sent('fetchRequest')).toHaveLength(1);
  });

  it('puts its deadline off once by the time in which the process itself stood still', () => {
    const lone = new Lone();
    follow(lone, 1);
    lone.cluster.nowMs += testConfig.fetchTimeoutMs + 500;
    lone.cluster.wake(1, testConfig.fetchTimeoutMs + 500);
    expect(lone.core.role).toBe('follower');
    lone.tick(testConfig.fetchTimeoutMs);
    expect(lone.core.role).toBe('prospective');
  });

  it('finds the leader by asking its peers', () => {
    const lone = new Lone({ voters: [2, 3], epoch: 4 });
    lone.tickToNext();
    const [question] = lone.sent('fetchRequest');
    const refused = { kind: 'refused', error: 'NOT_LEADER_OR_FOLLOWER' } as const;
    lone.receive(2, { ...answer(lone, 2, question?.fetchId ?? 0, refused), leaderId: keyOf(3).id });
    expect(lone.core).toMatchObject({ role: 'follower', leaderId: 3, epoch: 4 });
    expect(lone.sent('fetchRequest', 3)).toHaveLength(1);
  });

  it('fetches on while it is low on space', () => {
    const lone = new Lone();
    const fetchId = follow(lone, 1);
    lone.input({ type: 'storageStatusChanged', space: 'low' });
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1], 0)));
    expect(lastFetch(lone)).toMatchObject({ fetchOffset: 1, space: 'low' });
  });

  it('says when its space is exhausted, follows on, and votes all the same', () => {
    const lone = new Lone({ log: [1] });
    lone.cluster.holdIo(1, true);
    const fetchId = follow(lone, 1);
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1], 1)));
    lone.input({ type: 'storageStatusChanged', space: 'exhausted' });
    // What was under way when the space ran out is acknowledged like any other.
    lone.cluster.holdIo(1, false);
    expect(lastFetch(lone)).toMatchObject({ flushedOffset: 2, space: 'exhausted' });
    for (let turn = 0; turn < 20; turn++) {
      const { fetchId: asked } = lastFetch(lone);
      lone.tick(testConfig.fetchTimeoutMs / 4);
      lone.receive(2, answer(lone, 2, asked, recordsOf([1, 1], 2, { round: turn + 2 })));
      expect(lastFetch(lone)).toMatchObject({ round: turn + 2, space: 'exhausted' });
    }
    expect(lone.core.role).toBe('follower');
    lone.receive(3, voteRequest(3, { epoch: 2, lastEpoch: 1, logEndOffset: 2 }));
    expect(lone.sent('voteResponse')[0]?.voteGranted).toBe(true);
  });

  it('takes no snapshot while its space is exhausted, and asks later', () => {
    const lone = new Lone();
    follow(lone, 1);
    lone.input({ type: 'storageStatusChanged', space: 'exhausted' });
    const snapshotId = { endOffset: at(9), epoch: epochOf(1) };
    lone.receive(2, answer(lone, 2, lastFetch(lone).fetchId, { kind: 'snapshot', snapshotId }));
    expect(lone.sent('fetchSnapshotRequest')).toEqual([]);
    expect(lone.sent('fetchRequest')).toEqual([]);
    lone.input({ type: 'storageStatusChanged', space: 'enough' });
    lone.tick(testConfig.fetchTimeoutMs / 4);
    lone.receive(2, answer(lone, 2, lastFetch(lone).fetchId, { kind: 'snapshot', snapshotId }));
    expect(lone.sent('fetchSnapshotRequest')).toMatchObject([{ snapshotId, position: 0 }]);
    // A download that is under way when the space runs out is given up.
    lone.input({ type: 'storageStatusChanged', space: 'exhausted' });
    expect(lastFetch(lone)).toMatchObject({ fetchOffset: 0, space: 'exhausted' });
  });

  it('acknowledges a flush though it may not fetch', () => {
    const lone = new Lone({ config: { ...testConfig, pendingBytesMax: 5 } });
    const fetchId = follow(lone, 1);
    lone.cluster.holdIo(1, true);
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1], 0)));
    const second = lastFetch(lone).fetchId;
    lone.receive(2, answer(lone, 2, second, recordsOf([1, 1, 1], 1)));
    expect(lone.sent('fetchRequest')).toEqual([]);
    lone.host.completeIo(lone.nowMs, 'log');
    expect(lone.sent('fetchRequest')).toMatchObject([{ fetchId: second, fetchOffset: 3, flushedOffset: 1 }]);
  });

  it('takes no more into memory than it may while its disk is slow', () => {
    const lone = new Lone({ config: { ...testConfig, pendingBytesMax: 5 } });
    const fetchId = follow(lone, 1);
    lone.cluster.holdIo(1, true);
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1], 0)));
    expect(lone.sent('fetchRequest')).toEqual([]);
    lone.cluster.completeIo(1);
    expect(lastFetch(lone)).toMatchObject({ fetchOffset: 2, flushedOffset: 2 });
  });

  it('reports batches that no leader would send, and appends none of them', () => {
    const lone = new Lone({ log: [2] });
    const fetchId = follow(lone, 3);
    const good = recordsOf([2, 2], 1);
    const wrong = [
      { ...good, batches: batchesOf([2, 2, 2], 2), logEndOffset: at(9) },
      { ...good, batches: batchesOf([2, 1], 1) },
      { ...good, batches: batchesOf([2, 4], 1) },
      { ...good, logEndOffset: at(1) },
      { ...good, batches: good.batches.map((batch) => ({ ...batch, recordCount: 0 })) },
    ];
    for (const records of wrong) {
      lone.receive(2, answer(lone, 2, fetchId, records));
      expect(lone.seen('badMessage')).toHaveLength(1);
      expect(lone.core.logEndOffset).toBe(1);
    }
  });
});

function lastFetchTo(lone: Lone, leader: number): number {
  const fetches = lone.sent('fetchRequest', leader);
  return fetches[fetches.length - 1]?.fetchId ?? -1;
}
