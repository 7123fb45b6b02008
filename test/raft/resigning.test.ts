import { describe, expect, it } from 'vitest';
import { epoch, nodeId } from '../../src/base/brands.ts';
import { clusterId, keyOf, testConfig } from './harness/host.ts';
import { beginQuorumEpoch, fetchOf, follow, Lone } from './harness/lone.ts';

describe('resigning', () => {
  it('names its successors by what they hold, the furthest ahead first', () => {
    const lone = new Lone({ log: [1, 1, 1] });
    lone.becomeLeader();
    lone.receive(2, fetchOf(lone, 2, { fetchOffset: 1 }));
    lone.receive(3, fetchOf(lone, 3, { fetchOffset: 2 }));
    lone.cluster.queue = [];
    lone.input({ type: 'resignRequested', reason: 'shutdown', preferredSuccessor: null });
    const [request] = lone.sent('endQuorumEpochRequest');
    expect(request?.preferredSuccessors.map((key) => key.id)).toEqual([3, 2]);
    expect(lone.core.role).toBe('resigned');
  });

  it('puts a preferred successor first', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.cluster.queue = [];
    lone.input({ type: 'resignRequested', reason: 'transfer', preferredSuccessor: nodeId(3) });
    const [request] = lone.sent('endQuorumEpochRequest');
    expect(request?.preferredSuccessors.map((key) => key.id)).toEqual([3, 2]);
  });

  it.each([2, 3])('puts a preferred successor first, however far another is ahead: node %d', (preferred) => {
    const other = 5 - preferred;
    const lone = new Lone({ log: [1, 1, 1] });
    lone.becomeLeader();
    lone.receive(preferred, fetchOf(lone, preferred, { fetchOffset: 1 }));
    lone.receive(other, fetchOf(lone, other, { fetchOffset: 3 }));
    lone.cluster.queue = [];
    lone.input({ type: 'resignRequested', reason: 'shutdown', preferredSuccessor: nodeId(preferred) });
    const [request] = lone.sent('endQuorumEpochRequest');
    expect(request?.preferredSuccessors.map((key) => key.id)).toEqual([preferred, other]);
  });

  it('stays leader when it runs out of space and no voter has caught up', () => {
    const lone = new Lone();
    lone.becomeLeader();
    lone.input({ type: 'resignRequested', reason: 'lowOnSpace', preferredSuccessor: null });
    expect(lone.core.role).toBe('leader');
    lone.receive(2, fetchOf(lone, 2));
    lone.input({ type: 'resignRequested', reason: 'lowOnSpace', preferredSuccessor: null });
    expect(lone.core.role).toBe('resigned');
  });

  it('leaves for want of space only to a voter that has room, and names that one first', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.receive(2, fetchOf(lone, 2, { space: 'low' }));
    lone.receive(3, fetchOf(lone, 3, { space: 'exhausted' }));
    lone.input({ type: 'resignRequested', reason: 'lowOnSpace', preferredSuccessor: null });
    expect(lone.core.role).toBe('leader');
    lone.receive(3, fetchOf(lone, 3));
    lone.input({ type: 'resignRequested', reason: 'lowOnSpace', preferredSuccessor: null });
    expect(lone.core.role).toBe('resigned');
    const [request] = lone.sent('endQuorumEpochRequest');
    expect(request?.preferredSuccessors.map((key) => key.id)).toEqual([3, 2]);
  });

  it('sends no records to a voter without space, and keeps it as a follower', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.propose('a');
    lone.receive(2, fetchOf(lone, 2));
    // Its own log reaches below the high watermark: to tell it so at once would go on without end.
    lone.receive(3, fetchOf(lone, 3, { fetchOffset: 3, highWatermark: 3, round: 1, space: 'exhausted' }));
    expect(lone.core.highWatermark).toBe(4);
    expect(lone.sent('fetchResponse', 3)).toEqual([]);
    lone.tick(testConfig.fetchTimeoutMs / 4);
    expect(lone.seen('sendLogRange').filter((effect) => effect.to === 3)).toEqual([]);
    expect(lone.sent('fetchResponse', 3)).toMatchObject([{ outcome: { kind: 'records', batches: [] } }]);
    lone.receive(3, fetchOf(lone, 3, { fetchOffset: 3, highWatermark: 3, round: 2 }));
    expect(lone.seen('sendLogRange')).toHaveLength(1);
  });

  it('tells voters again that have not confirmed the end of its epoch', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    lone.input({ type: 'resignRequested', reason: 'shutdown', preferredSuccessor: null });
    lone.receive(2, { type: 'endQuorumEpochResponse', clusterId, epoch: epoch(1), leaderId: null });
    lone.tickToNext();
    expect(lone.sent('endQuorumEpochRequest', 2)).toEqual([]);
    expect(lone.sent('endQuorumEpochRequest', 3)).toHaveLength(1);
  });

  it('never leads the same epoch again after a restart', () => {
    const lone = new Lone();
    lone.becomeLeader();
    lone.restart();
    expect(lone.core).toMatchObject({ role: 'resigned', epoch: 1, leaderId: null });
    lone.receive(2, {
      type: 'voteResponse',
      clusterId,
      epoch: epoch(1),
      leaderId: null,
      voter: keyOf(2),
      voteGranted: true,
      preVote: false,
      requestEpoch: epoch(1),
    });
    lone.becomeProspective();
    expect(lone.core.epoch).toBe(1);
  });

  it('campaigns at once as the first successor, and later as another', () => {
    const end = (successors: readonly number[]) =>
      ({
        type: 'endQuorumEpochRequest',
        clusterId,
        epoch: epoch(1),
        leader: keyOf(2),
        preferredSuccessors: successors.map((id) => keyOf(id)),
      }) as const;
    const first = new Lone();
    follow(first, 1);
    first.receive(2, end([1, 3]));
    expect(first.core).toMatchObject({ role: 'prospective', epoch: 1 });
    const second = new Lone();
    follow(second, 1);
    second.receive(2, end([3, 1]));
    expect(second.core).toMatchObject({ role: 'unattached', epoch: 1, leaderId: null });
    second.tick(3 * testConfig.retryBackoffMs);
    expect(second.core.role).toBe('prospective');
  });

  it('campaigns at once as the first successor of a leader that has refused its fetch already', () => {
    const lone = new Lone();
    follow(lone, 1);
    const [fetch] = lone.sent('fetchRequest');
    if (fetch === undefined) throw new Error('it has not fetched');
    lone.receive(2, {
      type: 'fetchResponse',
      clusterId,
      epoch: epoch(1),
      leaderId: null,
      fetchId: fetch.fetchId,
      outcome: { kind: 'refused', error: 'NOT_LEADER_OR_FOLLOWER' },
    });
    expect(lone.core).toMatchObject({ role: 'unattached', epoch: 1, leaderId: null });
    lone.receive(2, {
      type: 'endQuorumEpochRequest',
      clusterId,
      epoch: epoch(1),
      leader: keyOf(2),
      preferredSuccessors: [keyOf(1), keyOf(3)],
    });
    expect(lone.core).toMatchObject({ role: 'prospective', epoch: 1 });
  });

  it('campaigns in no way once there is no epoch left', () => {
    const last = 2 ** 31 - 1;
    const lone = new Lone({ epoch: last });
    follow(lone, last);
    lone.receive(2, {
      type: 'endQuorumEpochRequest',
      clusterId,
      epoch: epoch(last),
      leader: keyOf(2),
      preferredSuccessors: [keyOf(1)],
    });
    expect(lone.core).toMatchObject({ role: 'unattached', epoch: last });
    lone.tick(10 * testConfig.electionTimeoutMs);
    expect(lone.core).toMatchObject({ role: 'unattached', epoch: last });
  });

  it('does not follow a leader again that has ended its epoch', () => {
    const lone = new Lone();
    follow(lone, 1);
    lone.receive(2, {
      type: 'endQuorumEpochRequest',
      clusterId,
      epoch: epoch(1),
      leader: keyOf(2),
      preferredSuccessors: [],
    });
    lone.receive(2, beginQuorumEpoch(2, 1));
    expect(lone.core).toMatchObject({ role: 'unattached', leaderId: null });
  });
});
