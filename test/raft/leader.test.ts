import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset } from '../../src/base/brands.ts';
import { batchOf } from './harness/cluster.ts';
import { clusterId, testConfig } from './harness/host.ts';
import { beginQuorumEpoch, fetchOf, follow, lastRound, Lone, voteRequest } from './harness/lone.ts';

function barrier(lone: Lone, barrierId: number): void {
  lone.cluster.queue = [];
  lone.effects = [];
  lone.input({ type: 'readBarrierRequested', barrierId });
}

describe('proposals', () => {
  it('appends a proposal whole, at the offset that was expected, and completes it when it is committed', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    const proposalId = lone.propose('a', 'b');
    expect(lone.host.log.batches[1]).toMatchObject({ baseOffset: 3, epoch: 1, recordCount: 2 });
    lone.receive(2, fetchOf(lone, 2));
    expect(lone.seen('completeProposal')).toEqual([
      { type: 'completeProposal', proposalId, baseOffset: 3, endOffset: 5 },
    ]);
  });

  it('keeps the batches of one proposal together', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.input({
      type: 'recordsProposed',
      proposalId: 1,
      epoch: epoch(1),
      expectedBaseOffset: offset(3),
      batches: [batchOf(['a', 'b']), batchOf(['c'])],
    });
    expect(lone.host.log.batches.slice(1).map((batch) => batch.baseOffset)).toEqual([3, 5]);
  });

  it('refuses what was computed for another epoch or another log end, and appends nothing', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    const propose = (ofEpoch: number, at: number): void =>
      lone.input({
        type: 'recordsProposed',
        proposalId: 9,
        epoch: epoch(ofEpoch),
        expectedBaseOffset: offset(at),
        batches: [batchOf(['a'])],
      });
    lone.effects = [];
    propose(2, 3);
    propose(1, 4);
    expect(lone.effects.map((effect) => effect.type === 'failProposal' && effect.reason)).toEqual([
      'EPOCH_MISMATCH',
      'OFFSET_MISMATCH',
    ]);
    expect(lone.core.logEndOffset).toBe(3);
  });

  it('refuses proposals that it does not lead for', () => {
    const lone = new Lone();
    lone.propose('a');
    expect(lone.seen('failProposal')).toMatchObject([{ reason: 'NOT_LEADER' }]);
  });

  it('refuses more than it may hold uncommitted, and takes more when that is committed', () => {
    for (const config of [
      { ...testConfig, pendingProposalsMax: 2 },
      { ...testConfig, pendingBytesMax: 2 },
    ]) {
      const lone = new Lone({ config });
      lone.becomeCommittedLeader();
      lone.propose('a');
      lone.propose('b');
      lone.propose('c');
      expect(lone.seen('failProposal')).toMatchObject([{ reason: 'TOO_MANY_PENDING' }]);
      lone.receive(2, fetchOf(lone, 2));
      lone.propose('d');
      expect(lone.seen('failProposal')).toEqual([]);
    }
  });

  it('refuses more than it may hold unflushed, though the others commit it without its disk', () => {
    for (const config of [
      { ...testConfig, pendingProposalsMax: 2 },
      { ...testConfig, pendingBytesMax: 2 },
    ]) {
      const lone = new Lone({ config });
      lone.becomeCommittedLeader();
      lone.cluster.holdIo(1, true);
      for (const text of ['a', 'b']) {
        lone.propose(text);
        lone.receive(2, fetchOf(lone, 2));
        lone.receive(3, fetchOf(lone, 3));
      }
      expect(lone.core).toMatchObject({ highWatermark: 5, flushedOffset: 3, pendingProposals: 0 });
      lone.propose('c');
      expect(lone.seen('failProposal')).toMatchObject([{ reason: 'TOO_MANY_PENDING' }]);
      lone.cluster.completeIo(1);
      lone.propose('d');
      expect(lone.seen('failProposal')).toEqual([]);
    }
  });

  it('takes one proposal that is larger than its limit of bytes', () => {
    const lone = new Lone({ config: { ...testConfig, pendingBytesMax: 2 } });
    lone.becomeCommittedLeader();
    lone.propose('abcdef');
    expect(lone.seen('failProposal')).toEqual([]);
  });

  it('reports the outcome of appended proposals as unknown when it loses leadership', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    const proposalId = lone.propose('a');
    lone.receive(2, voteRequest(2, { epoch: 2 }));
    expect(lone.seen('failProposal')).toEqual([
      { type: 'failProposal', proposalId, reason: 'OUTCOME_UNKNOWN' },
    ]);
  });
});

describe('rounds', () => {
  it('are told to voters at once and to observers once in a while', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    for (const from of [2, 4]) {
      lone.receive(from, fetchOf(lone, from));
      lone.receive(from, fetchOf(lone, from, { round: lastRound(lone) ?? 0 }));
      expect(lone.sent('fetchResponse')).toEqual([]);
    }
    barrier(lone, 1);
    expect(lone.sent('fetchResponse', 2)).toHaveLength(1);
    expect(lone.sent('fetchResponse', 4)).toEqual([]);
    lone.tick(testConfig.fetchTimeoutMs / 4);
    expect(lone.sent('fetchResponse', 4)).toHaveLength(1);
  });
});

describe('a new epoch', () => {
  it('tells voters of its epoch again that do not fetch', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.tick(testConfig.fetchTimeoutMs / 2);
    lone.receive(2, fetchOf(lone, 2, { round: 1 }));
    lone.tick(testConfig.fetchTimeoutMs / 2);
    expect(lone.sent('beginQuorumEpochRequest').map((request) => request.voter.id)).toContain(3);
  });

  it('tells them no oftener than twice in a fetch timeout', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    const pieces = 8;
    let told = 0;
    for (let count = 0; count < 3 * pieces; count++) {
      lone.tick(testConfig.fetchTimeoutMs / pieces);
      told += lone.sent('beginQuorumEpochRequest', 3).length;
      lone.receive(2, fetchOf(lone, 2, { round: lastRound(lone) ?? 0 }));
      lone.receive(2, fetchOf(lone, 2, { round: lastRound(lone) ?? 0 }));
    }
    expect(lone.core.role).toBe('leader');
    expect(told).toBeGreaterThan(3);
    expect(told).toBeLessThanOrEqual(6);
  });
});

describe('check-quorum', () => {
  it('resigns when no majority has followed it for 1.5 fetch timeouts', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.tick(1.5 * testConfig.fetchTimeoutMs - 1);
    expect(lone.core.role).toBe('leader');
    lone.tick(1);
    expect(lone.core).toMatchObject({ role: 'resigned', leaderId: null, epoch: 1 });
  });

  it('stays leader while a majority echoes its rounds', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    for (let turn = 0, round = 1; turn < 40; turn++) {
      lone.receive(3, fetchOf(lone, 3, { round }));
      lone.tick(testConfig.fetchTimeoutMs / 4);
      const outcome = lone.sent('fetchResponse', 3)[0]?.outcome;
      round = outcome?.kind === 'records' ? outcome.round : round;
    }
    expect(lone.core.role).toBe('leader');
  });

  it('tells of the majority that it last heard of when it leads no more, and not of when it began', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    for (let turn = 0, round = 1; turn < 8; turn++) {
      lone.receive(3, fetchOf(lone, 3, { round }));
      lone.tick(testConfig.fetchTimeoutMs / 4);
      const outcome = lone.sent('fetchResponse', 3)[0]?.outcome;
      round = outcome?.kind === 'records' ? outcome.round : round;
    }
    const heardMs = lone.core.lastContactMs;
    lone.tick(1.5 * testConfig.fetchTimeoutMs);
    expect([lone.core.role, lone.core.lastContactMs]).toEqual(['resigned', heardMs]);
    expect(heardMs).toBeGreaterThan(lone.nowMs - 2.5 * testConfig.fetchTimeoutMs);
    lone.becomeCandidate();
    expect([lone.core.epoch, lone.core.lastContactMs]).toEqual([2, null]);
  });

  it('knows of no contact in a later epoch that ends its own', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.receive(2, beginQuorumEpoch(2, 2));
    expect([lone.core.role, lone.core.epoch, lone.core.lastContactMs]).toEqual(['follower', 2, null]);
  });

  it('counts an echo from when its round was raised and not from when it arrives', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    // Fetches arrive all the time, but all of them echo the first round.
    for (let turn = 0; turn < 20 && lone.core.role === 'leader'; turn++) {
      lone.receive(2, fetchOf(lone, 2, { round: 1 }));
      lone.tick(testConfig.fetchTimeoutMs / 4);
    }
    expect(lone.core.role).toBe('resigned');
  });

  it('puts its resignation off once by the time in which the process itself stood still', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.cluster.nowMs += 10_000;
    lone.cluster.wake(1, 10_000);
    expect(lone.core.role).toBe('leader');
    lone.tick(1.5 * testConfig.fetchTimeoutMs);
    expect(lone.core.role).toBe('resigned');
  });

  it('never resigns as a sole voter', () => {
    const lone = new Lone({ voters: [1] });
    lone.tick(2 * testConfig.electionTimeoutMs);
    for (let turn = 0; turn < 20; turn++) lone.tick(testConfig.fetchTimeoutMs);
    expect(lone.core.role).toBe('leader');
  });
});

describe('the read barrier', () => {
  it('completes at the high watermark it noted when a majority has echoed a newer round', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.receive(2, fetchOf(lone, 2, { round: 1 }));
    barrier(lone, 7);
    lone.propose('a');
    lone.receive(2, fetchOf(lone, 2, { round: 2 }));
    expect(lone.core.highWatermark).toBe(4);
    expect(lone.seen('completeReadBarrier')).toEqual([
      { type: 'completeReadBarrier', barrierId: 7, offset: 3 },
    ]);
  });

  it('does not complete by an echo of a round that was sent before the read arrived', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    barrier(lone, 7);
    lone.receive(2, fetchOf(lone, 2, { round: 1 }));
    lone.receive(3, fetchOf(lone, 3, { round: 1 }));
    expect(lone.seen('completeReadBarrier')).toEqual([]);
  });

  it('lets reads share a round that no answer has carried yet, and no other', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.receive(2, fetchOf(lone, 2, { round: 1 }));
    barrier(lone, 1);
    const first = lone.sent('fetchResponse', 2)[0]?.outcome;
    expect(first).toMatchObject({ round: 2 });
    // Round 2 is under way: these two begin round 3, which waits for the next fetch.
    barrier(lone, 2);
    barrier(lone, 3);
    lone.receive(2, fetchOf(lone, 2, { round: 2 }));
    expect(lone.seen('completeReadBarrier').map((effect) => effect.barrierId)).toEqual([1]);
    expect(lone.sent('fetchResponse', 2)[0]?.outcome).toMatchObject({ round: 3 });
    lone.receive(2, fetchOf(lone, 2, { round: 3 }));
    expect(lone.seen('completeReadBarrier').map((effect) => effect.barrierId)).toEqual([2, 3]);
  });

  it('wakes parked fetches, so that a read does not wait for them', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.receive(2, fetchOf(lone, 2, { round: 1 }));
    lone.receive(3, fetchOf(lone, 3, { round: 1 }));
    barrier(lone, 1);
    expect(lone.sent('fetchResponse').map((response) => response.outcome)).toMatchObject([
      { round: 2 },
      { round: 2 },
    ]);
  });

  it('waits until a record of its own epoch is committed', () => {
    const lone = new Lone({ log: [1] });
    lone.becomeLeader();
    barrier(lone, 1);
    lone.receive(2, fetchOf(lone, 2, { fetchOffset: 1 }));
    lone.receive(2, fetchOf(lone, 2, { fetchOffset: 2, flushedOffset: 1, round: 1 }));
    expect(lone.seen('completeReadBarrier')).toEqual([]);
    lone.receive(2, fetchOf(lone, 2, { round: 1 }));
    const outcome = lone.sent('fetchResponse', 2)[0]?.outcome;
    lone.receive(2, fetchOf(lone, 2, { round: outcome?.kind === 'records' ? outcome.round : 0 }));
    expect(lone.seen('completeReadBarrier')).toMatchObject([{ barrierId: 1, offset: 2 }]);
  });

  it('does not count observers', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.receive(4, fetchOf(lone, 4, { round: 1 }));
    barrier(lone, 1);
    lone.receive(4, fetchOf(lone, 4, { round: 2 }));
    expect(lone.seen('completeReadBarrier')).toEqual([]);
  });

  it('fails when leadership is lost, and at once without it', () => {
    const lone = new Lone();
    barrier(lone, 1);
    expect(lone.seen('failReadBarriers')).toMatchObject([{ barrierIds: [1] }]);
    lone.becomeLeader();
    barrier(lone, 2);
    lone.receive(2, beginQuorumEpoch(2, 9));
    expect(lone.seen('failReadBarriers')).toMatchObject([{ barrierIds: [2] }]);
  });

  it('starts its rounds anew in every epoch, and followers forget theirs', () => {
    const lone = new Lone();
    const fetchId = follow(lone, 1);
    lone.receive(2, {
      type: 'fetchResponse',
      clusterId,
      epoch: epoch(1),
      leaderId: nodeId(2),
      fetchId,
      outcome: {
        kind: 'records',
        fetchOffset: offset(0),
        highWatermark: offset(0),
        logStartOffset: offset(0),
        logEndOffset: offset(0),
        epochStartOffset: offset(0),
        round: 41,
        batches: [],
      },
    });
    expect(lone.sent('fetchRequest')[0]?.round).toBe(41);
    lone.receive(3, beginQuorumEpoch(3, 2));
    expect(lone.sent('fetchRequest')[0]?.round).toBe(0);
  });

  it('holds no more reads than it may', () => {
    const lone = new Lone({ config: { ...testConfig, pendingProposalsMax: 2 } });
    lone.becomeLeader();
    for (const id of [1, 2, 3]) barrier(lone, id);
    expect(lone.seen('failReadBarriers')).toMatchObject([{ barrierIds: [3] }]);
  });

  it('completes at once for a sole voter', () => {
    const lone = new Lone({ voters: [1] });
    lone.tick(2 * testConfig.electionTimeoutMs);
    barrier(lone, 1);
    expect(lone.seen('completeReadBarrier')).toMatchObject([{ barrierId: 1, offset: 3 }]);
  });
});
