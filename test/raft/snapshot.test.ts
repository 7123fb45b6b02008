import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset } from '../../src/base/brands.ts';
import type { FetchSnapshotResponse } from '../../src/raft/messages.ts';
import { Cluster } from './harness/cluster.ts';
import { clusterId, keyOf, testConfig } from './harness/host.ts';
import {
  answer,
  beginQuorumEpoch,
  fetchOf,
  follow,
  lastFetch,
  Lone,
  recordsOf,
  voteResponse,
} from './harness/lone.ts';

const snapshotId = { endOffset: offset(5), epoch: epoch(1) };

function leaderWithSnapshot(): Cluster {
  const cluster = new Cluster({ voters: [1, 2, 3] });
  cluster.startAll();
  cluster.elect(1);
  cluster.crash(3);
  for (const id of [1, 2, 3]) cluster.propose(1, id, [`r${id}`]);
  cluster.run(100);
  cluster.host(1).takeSnapshot(cluster.nowMs);
  cluster.propose(1, 4, ['last']);
  cluster.run(100);
  return cluster;
}

function chunk(lone: Lone, position: number, length: number, last = false): FetchSnapshotResponse {
  return {
    type: 'fetchSnapshotResponse',
    clusterId,
    epoch: lone.core.epoch,
    leaderId: nodeId(2),
    snapshotId,
    outcome: { kind: 'chunk', position, bytes: new Uint8Array(length), crc: 0, last },
  };
}

/** Follows node 2, which offers the snapshot; nothing reaches the disk by itself. */
function downloading(): Lone {
  const lone = new Lone({ epoch: 1 });
  const fetchId = follow(lone, 2);
  lone.cluster.holdIo(1, true);
  lone.receive(2, answer(lone, 2, fetchId, { kind: 'snapshot', snapshotId }));
  return lone;
}

describe('the leader and its snapshots', () => {
  it('offers its newest snapshot to a replica behind its log start', () => {
    const cluster = leaderWithSnapshot();
    expect(cluster.host(1).core.logStart).toEqual({ endOffset: 6, epoch: 1 });
    cluster.start(3);
    cluster.run(500);
    expect(cluster.host(3).core).toMatchObject({ logStart: { endOffset: 6 }, highWatermark: 7 });
    expect(cluster.host(3).applied).toEqual(cluster.host(1).applied);
  });

  it('answers a fetch from exactly its log start with records', () => {
    const lone = new Lone({ log: [1, 1] });
    lone.becomeCommittedLeader();
    lone.host.takeSnapshot(lone.nowMs, offset(2));
    expect(lone.core.logStart.endOffset).toBe(2);
    lone.receive(3, fetchOf(lone, 3, { fetchOffset: 2, lastFetchedEpoch: 1 }));
    expect(lone.sent('fetchResponse', 3)[0]?.outcome.kind).toBe('records');
    lone.receive(3, fetchOf(lone, 3, { fetchOffset: 1, lastFetchedEpoch: 1 }));
    expect(lone.sent('fetchResponse', 3)[0]?.outcome).toMatchObject({ kind: 'snapshot' });
  });

  it('offers a snapshot to a replica whose log ends in an epoch older than all it has', () => {
    const lone = new Lone({ log: [3, 3] });
    lone.becomeCommittedLeader();
    lone.host.takeSnapshot(lone.nowMs, offset(2));
    lone.receive(3, fetchOf(lone, 3, { fetchOffset: 3, lastFetchedEpoch: 2 }));
    expect(lone.sent('fetchResponse', 3)[0]?.outcome).toMatchObject({ kind: 'snapshot' });
  });

  it('says that a snapshot it never had is not found', () => {
    const lone = new Lone();
    lone.becomeLeader();
    lone.receive(2, {
      type: 'fetchSnapshotRequest',
      clusterId,
      epoch: epoch(1),
      replica: keyOf(2),
      snapshotId,
      position: 0,
      maxBytes: 10,
    });
    expect(lone.sent('fetchSnapshotResponse')[0]?.outcome).toMatchObject({ error: 'SNAPSHOT_NOT_FOUND' });
  });

  it('keeps the voter set in force when its log begins behind the record of it', () => {
    const cluster = leaderWithSnapshot();
    expect(cluster.host(1).core.voters.map((voter) => voter.id)).toEqual([1, 2, 3]);
    cluster.crash(1);
    cluster.start(1);
    expect(cluster.host(1).core.voters.map((voter) => voter.id)).toEqual([1, 2, 3]);
    expect(cluster.host(1).core.highWatermark).toBe(6);
  });

  it('counts a voter that takes a snapshot chunk by chunk as one that follows', () => {
    const lone = new Lone({ log: [1, 1] });
    lone.becomeCommittedLeader();
    lone.host.takeSnapshot(lone.nowMs, offset(2));
    for (let position = 0; position < 20; position++) {
      lone.tick(testConfig.fetchTimeoutMs / 2);
      lone.receive(3, {
        type: 'fetchSnapshotRequest',
        clusterId,
        epoch: epoch(2),
        replica: keyOf(3),
        snapshotId: { endOffset: offset(2), epoch: epoch(1) },
        position,
        maxBytes: 10,
      });
    }
    expect(lone.core.role).toBe('leader');
  });
});

describe('taking a snapshot', () => {
  it('stores one chunk before it asks for the next, and installs the whole', () => {
    const lone = downloading();
    expect(lone.sent('fetchSnapshotRequest')).toMatchObject([{ position: 0, snapshotId }]);
    lone.receive(2, chunk(lone, 0, 10));
    expect(lone.seen('storeSnapshotChunk')).toMatchObject([{ position: 0 }]);
    expect(lone.sent('fetchSnapshotRequest')).toEqual([]);
    lone.cluster.queue = [];
    lone.host.completeIo(lone.nowMs);
    expect(lone.sent('fetchSnapshotRequest')).toMatchObject([{ position: 10 }]);
    lone.receive(2, chunk(lone, 10, 5, true));
    lone.effects = [];
    lone.host.completeIo(lone.nowMs);
    expect(lone.seen('installSnapshot')).toMatchObject([{ snapshotId }]);
  });

  it('asks again for a chunk that does not come, and ignores one that comes twice', () => {
    const lone = downloading();
    lone.tick(testConfig.fetchTimeoutMs / 2);
    expect(lone.sent('fetchSnapshotRequest')).toMatchObject([{ position: 0 }]);
    lone.receive(2, chunk(lone, 0, 10));
    lone.receive(2, chunk(lone, 0, 10));
    expect(lone.seen('storeSnapshotChunk')).toEqual([]);
    lone.host.completeIo(lone.nowMs);
    lone.receive(2, chunk(lone, 0, 10));
    expect(lone.seen('storeSnapshotChunk')).toEqual([]);
  });

  it('waits ever longer before it takes a snapshot again that did not verify', () => {
    const lone = downloading();
    const pausesMs: number[] = [];
    for (let times = 0; times < 4; times++) {
      lone.receive(2, chunk(lone, 0, 10, true));
      const [stored] = lone.seen('storeSnapshotChunk');
      lone.effects = [];
      lone.input({ type: 'snapshotChunkStored', ioId: stored?.ioId ?? 0, position: 10 });
      const [install] = lone.seen('installSnapshot');
      lone.input({ type: 'snapshotInstalled', ioId: install?.ioId ?? 0, snapshot: null });
      const sinceMs = lone.nowMs;
      for (let turn = 0; turn < 200; turn++) {
        const [fetch] = lone.sent('fetchRequest');
        if (fetch !== undefined) {
          lone.receive(2, answer(lone, 2, fetch.fetchId, { kind: 'snapshot', snapshotId }));
        }
        if (lone.sent('fetchSnapshotRequest').length > 0) break;
        lone.tickToNext();
      }
      pausesMs.push(lone.nowMs - sinceMs);
      expect(lone.core).toMatchObject({ role: 'follower', leaderId: 2 });
    }
    const { fetchTimeoutMs } = testConfig;
    expect(pausesMs).toEqual([1, 2, 4, 8].map((times) => times * fetchTimeoutMs));
  });

  it('takes another snapshot at once when one did not verify', () => {
    const lone = downloading();
    lone.receive(2, chunk(lone, 0, 10, true));
    const [stored] = lone.seen('storeSnapshotChunk');
    lone.effects = [];
    lone.input({ type: 'snapshotChunkStored', ioId: stored?.ioId ?? 0, position: 10 });
    const [install] = lone.seen('installSnapshot');
    lone.input({ type: 'snapshotInstalled', ioId: install?.ioId ?? 0, snapshot: null });
    const newer = { ...snapshotId, endOffset: offset(snapshotId.endOffset + 1) };
    lone.receive(2, answer(lone, 2, lastFetch(lone).fetchId, { kind: 'snapshot', snapshotId: newer }));
    expect(lone.sent('fetchSnapshotRequest')).toMatchObject([{ snapshotId: newer, position: 0 }]);
  });

  it('fetches again, and begins anew, when the snapshot is not found any more', () => {
    const lone = downloading();
    const refused = { kind: 'refused', error: 'SNAPSHOT_NOT_FOUND' } as const;
    lone.receive(2, { ...chunk(lone, 0, 1), outcome: refused });
    lone.tick(testConfig.retryBackoffMs);
    expect(lone.sent('fetchRequest', 2)).toHaveLength(1);
  });

  it('begins a snapshot anew with another leader', () => {
    const lone = downloading();
    lone.receive(2, chunk(lone, 0, 10));
    lone.host.completeIo(lone.nowMs);
    lone.receive(3, beginQuorumEpoch(3, 3));
    lone.host.completeIo(lone.nowMs);
    lone.receive(3, answer(lone, 3, lastFetchId(lone), { kind: 'snapshot', snapshotId }));
    expect(lone.sent('fetchSnapshotRequest', 3)).toMatchObject([{ position: 0 }]);
  });

  it('goes on with a snapshot when it loses a pre-vote and follows the same leader again', () => {
    const lone = downloading();
    lone.receive(2, chunk(lone, 0, 10));
    lone.host.completeIo(lone.nowMs);
    lone.becomeProspective();
    for (const from of [2, 3]) {
      lone.receive(from, voteResponse(lone, from, { voteGranted: false, preVote: true }));
    }
    expect(lone.core).toMatchObject({ role: 'follower', leaderId: 2 });
    lone.tickToNext();
    expect(lone.sent('fetchSnapshotRequest', 2)).toMatchObject([{ position: 10 }]);
  });

  it('begins a snapshot anew with the same leader in another epoch', () => {
    const lone = downloading();
    lone.receive(2, chunk(lone, 0, 10));
    lone.host.completeIo(lone.nowMs);
    lone.receive(2, beginQuorumEpoch(2, 3));
    lone.host.completeIo(lone.nowMs);
    lone.receive(2, answer(lone, 2, lastFetchId(lone), { kind: 'snapshot', snapshotId }));
    expect(lone.sent('fetchSnapshotRequest', 2)).toMatchObject([{ position: 0 }]);
  });

  it('waits for its own chunk and its own snapshot, whatever else completes', () => {
    const lone = downloading();
    lone.receive(2, chunk(lone, 0, 5, true));
    const storing = lone.seen('storeSnapshotChunk')[0]?.ioId ?? 0;
    lone.input({ type: 'snapshotChunkStored', ioId: storing + 1, position: 5 });
    expect(lone.seen('installSnapshot')).toEqual([]);
    lone.input({ type: 'snapshotChunkStored', ioId: storing, position: 5 });
    const installing = lone.seen('installSnapshot')[0]?.ioId ?? 0;
    expect(installing).toBeGreaterThan(storing);
    const snapshot = { voters: lone.core.voters, kraftVersion: 1 };
    lone.input({ type: 'snapshotInstalled', ioId: installing + 1, snapshot });
    expect(lone.core.logStart.endOffset).toBe(0);
    lone.input({ type: 'snapshotInstalled', ioId: installing, snapshot });
    expect(lone.core.logStart.endOffset).toBe(5);
    expect(lone.seen('applyCommitted')).toEqual([]);
  });

  it('neither fetches nor campaigns while a snapshot replaces its log', () => {
    const lone = downloading();
    lone.receive(2, chunk(lone, 0, 5, true));
    lone.host.completeIo(lone.nowMs);
    for (let turn = 0; turn < 10; turn++) lone.tick(testConfig.fetchTimeoutMs);
    expect(lone.core.role).toBe('follower');
    expect(lone.sent('fetchRequest')).toEqual([]);
  });

  it('takes no snapshot of an epoch that its leader has not entered', () => {
    const lone = new Lone();
    const fetchId = follow(lone, 2);
    const snapshotId = { endOffset: offset(9), epoch: epoch(3) };
    lone.receive(2, answer(lone, 2, fetchId, { kind: 'snapshot', snapshotId }));
    expect(lone.seen('badMessage')).toHaveLength(1);
    expect(lone.sent('fetchSnapshotRequest')).toEqual([]);
  });

  it('takes no snapshot that is older than what it knows as committed', () => {
    const lone = new Lone({ log: [1, 1, 1, 1, 1] });
    const fetchId = follow(lone, 2);
    const log = [1, 1, 1, 1, 1, 2];
    lone.receive(2, answer(lone, 2, fetchId, recordsOf(log, 5, { highWatermark: 6 })));
    lone.receive(2, answer(lone, 2, lastFetch(lone).fetchId, { kind: 'snapshot', snapshotId }));
    expect(lone.seen('badMessage')).toHaveLength(1);
    expect(lone.sent('fetchSnapshotRequest')).toEqual([]);
  });

  it('goes on from the end of an installed snapshot', () => {
    const cluster = leaderWithSnapshot();
    cluster.start(3);
    cluster.run(500);
    const { core } = cluster.host(3);
    expect(core).toMatchObject({ logEndOffset: 7, flushedOffset: 7, appliedOffset: 7, kraftVersion: 1 });
    cluster.crash(3);
    cluster.start(3);
    cluster.run(500);
    expect(cluster.host(3).core.highWatermark).toBe(7);
  });

  it('ignores the completion of a snapshot that a newer one has replaced', () => {
    const lone = new Lone({ log: [1, 1] });
    lone.becomeCommittedLeader();
    lone.host.takeSnapshot(lone.nowMs, offset(2));
    const id = { endOffset: offset(1), epoch: epoch(1) };
    lone.input({ type: 'snapshotCreated', snapshotId: id, logStart: id });
    expect(lone.core.latestSnapshot?.endOffset).toBe(2);
    expect(lone.core.logStart.endOffset).toBe(2);
  });
});

function lastFetchId(lone: Lone): number {
  const all = lone.sent('fetchRequest');
  return all[all.length - 1]?.fetchId ?? -1;
}
