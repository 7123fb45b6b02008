import { describe, expect, it } from 'vitest';
import { answer, beginQuorumEpoch, follow, lastFetch, Lone, recordsOf, voteRequest } from './harness/lone.ts';
import { fetchOf } from './harness/lone.ts';

/** Has lost what followed its first record, and follows node 2 in epoch 2. */
function recovering(): { lone: Lone; fetchId: number } {
  const lone = new Lone({ log: [1], recovering: true });
  return { lone, fetchId: follow(lone, 2) };
}

const committed = { highWatermark: 3, epochStartOffset: 2 };

describe('a recovering replica', () => {
  it('grants neither votes nor pre-votes', () => {
    const lone = new Lone({ log: [1], recovering: true });
    for (const preVote of [true, false]) {
      lone.receive(2, voteRequest(2, { epoch: 5, lastEpoch: 4, logEndOffset: 99, preVote }));
      expect(lone.sent('voteResponse')[0]?.voteGranted).toBe(false);
    }
    expect(lone.core.epoch).toBe(5);
  });

  it('does not campaign, however long it hears of no leader', () => {
    const { lone } = recovering();
    for (let turn = 0; turn < 300; turn++) lone.tickToNext();
    expect(lone.core.role).toBe('unattached');
    expect(lone.core.recovering).toBe(true);
  });

  it('is a voter again once it has flushed the leader’s log end as it was stated to it', () => {
    const { lone, fetchId } = recovering();
    lone.cluster.holdIo(1, true);
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1, 2, 2], 1, committed)));
    expect(lone.core).toMatchObject({ recovering: true, highWatermark: 3, logEndOffset: 4 });
    lone.effects = [];
    lone.cluster.completeIo(1);
    expect(lone.core).toMatchObject({ recovering: false, isActiveVoter: true });
    expect(lone.seen('persistQuorumState')).toMatchObject([{ state: { recovering: false } }]);
  });

  it('is not content with the high watermark', () => {
    const { lone, fetchId } = recovering();
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1, 2, 2], 1, { ...committed, to: 3 })));
    expect(lone.core).toMatchObject({ recovering: true, highWatermark: 3, flushedOffset: 3 });
    lone.receive(2, answer(lone, 2, lastFetch(lone).fetchId, recordsOf([1, 1, 2, 2], 3, committed)));
    expect(lone.core.recovering).toBe(false);
  });

  it('does not believe a leader that has committed nothing in its own epoch', () => {
    const { lone, fetchId } = recovering();
    const early = { highWatermark: 2, epochStartOffset: 2 };
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1, 2], 1, early)));
    expect(lone.core).toMatchObject({ recovering: true, flushedOffset: 3 });
  });

  it('does not believe an answer to a fetch of the process before', () => {
    const { lone, fetchId } = recovering();
    lone.restart();
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1, 2], 1, committed)));
    expect(lone.core).toMatchObject({ recovering: true, logEndOffset: 1 });
  });

  it('begins anew with the leader of another epoch', () => {
    const { lone, fetchId } = recovering();
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1, 2, 2], 1, { ...committed, to: 3 })));
    lone.receive(3, beginQuorumEpoch(3, 3));
    const other = { highWatermark: 3, epochStartOffset: 3 };
    const log = [1, 1, 2, 3];
    lone.receive(3, answer(lone, 3, lastFetch(lone).fetchId, recordsOf(log, 3, other)));
    expect(lone.core).toMatchObject({ recovering: true, flushedOffset: 4 });
    lone.receive(
      3,
      answer(lone, 3, lastFetch(lone).fetchId, recordsOf(log, 4, { ...other, highWatermark: 4 })),
    );
    expect(lone.core.recovering).toBe(false);
  });

  it('stays recovering over a restart until the end of it is on disk', () => {
    const { lone, fetchId } = recovering();
    lone.cluster.holdIo(1, true);
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1, 2], 1, committed)));
    lone.host.completeIo(lone.nowMs, 'log');
    expect(lone.core.recovering).toBe(false);
    lone.receive(3, voteRequest(3, { epoch: 3, lastEpoch: 2, logEndOffset: 9 }));
    expect(lone.sent('voteResponse')).toEqual([]);
    lone.restart();
    expect(lone.core.recovering).toBe(true);
  });

  it('acknowledges what it flushes, and the leader counts it', () => {
    const { lone, fetchId } = recovering();
    lone.receive(2, answer(lone, 2, fetchId, recordsOf([1, 1, 2, 2], 1, { ...committed, to: 3 })));
    const fetches = lone.sent('fetchRequest');
    expect(fetches[fetches.length - 1]).toMatchObject({ fetchOffset: 3, flushedOffset: 3 });
    const leader = new Lone();
    leader.becomeLeader();
    leader.receive(3, fetchOf(leader, 3));
    expect(leader.core.highWatermark).toBe(3);
  });
});

describe('a replica that has lost its quorum state', () => {
  const log = [1, 1, 2];

  it('begins in the epoch of its log, as an observer without a leader', () => {
    const lone = new Lone({ log, epoch: 0, disk: 'b' });
    expect(lone.core).toMatchObject({ epoch: 2, leaderId: null, role: 'unattached', logEndOffset: 3 });
    for (let turn = 0; turn < 100; turn++) lone.tickToNext();
    expect(lone.core).toMatchObject({ epoch: 2, role: 'unattached' });
  });

  it('is not a voter under its old directory id: the vote that it has forgotten would count twice', () => {
    expect(() => new Lone({ log, epoch: 0 })).toThrow('a voter has forgotten an epoch');
  });
});
