import { describe, expect, it } from 'vitest';
import { nodeId } from '../../src/base/brands.ts';
import { clusterId, keyOf, testConfig } from './harness/host.ts';
import {
  answer,
  beginQuorumEpoch,
  epochOf,
  fetchOf,
  follow,
  Lone,
  recordsOf,
  voteRequest,
  voteResponse,
} from './harness/lone.ts';

function isGranted(lone: Lone): boolean | undefined {
  return lone.sent('voteResponse')[0]?.voteGranted;
}

/** Follows node 2 and has just fetched from it. */
function contentFollower(log: readonly number[] = [1]): Lone {
  const lone = new Lone({ log });
  const fetchId = follow(lone, 2);
  lone.receive(2, answer(lone, 2, fetchId, recordsOf(log, log.length)));
  return lone;
}

describe('granting votes', () => {
  it('rejects a candidate of an older epoch and tells it the newer one', () => {
    const lone = new Lone({ epoch: 5 });
    lone.receive(2, voteRequest(2, { epoch: 4 }));
    expect(lone.sent('voteResponse')).toMatchObject([{ voteGranted: false, epoch: 5 }]);
  });

  it('enters a higher epoch with a real vote request, even when it rejects it', () => {
    const lone = new Lone({ epoch: 5, log: [5] });
    lone.receive(2, voteRequest(2, { epoch: 7 }));
    expect(isGranted(lone)).toBe(false);
    expect(lone.core.epoch).toBe(7);
  });

  it('votes once an epoch, and for the same candidate again', () => {
    const lone = new Lone();
    lone.receive(2, voteRequest(2, { epoch: 1 }));
    expect(isGranted(lone)).toBe(true);
    lone.receive(3, voteRequest(3, { epoch: 1 }));
    expect(isGranted(lone)).toBe(false);
    lone.receive(2, voteRequest(2, { epoch: 1 }));
    expect(isGranted(lone)).toBe(true);
  });

  it('remembers its vote over a restart', () => {
    const lone = new Lone();
    lone.receive(2, voteRequest(2, { epoch: 1 }));
    lone.restart();
    lone.receive(3, voteRequest(3, { epoch: 1 }));
    expect(isGranted(lone)).toBe(false);
  });

  it('forgets its vote with a new epoch and with nothing else', () => {
    const lone = new Lone({ epoch: 3, voted: keyOf(2) });
    lone.receive(3, voteRequest(3, { epoch: 3 }));
    expect(isGranted(lone)).toBe(false);
    lone.receive(3, voteRequest(3, { epoch: 4 }));
    expect(isGranted(lone)).toBe(true);
  });

  it('sends a vote only after it is on disk', () => {
    const lone = new Lone();
    lone.cluster.holdIo(1, true);
    lone.receive(2, voteRequest(2, { epoch: 1 }));
    expect(lone.sent('voteResponse')).toEqual([]);
    lone.cluster.completeIo(1);
    expect(isGranted(lone)).toBe(true);
    expect(lone.host.disk.quorumState).toMatchObject({ epoch: 1, voted: keyOf(2) });
  });

  it('takes the log with the later last epoch for the more up-to-date one, however short', () => {
    const lone = new Lone({ log: [1, 1, 1, 2] });
    lone.receive(2, voteRequest(2, { epoch: 4, lastEpoch: 3, logEndOffset: 1 }));
    expect(isGranted(lone)).toBe(true);
    const other = new Lone({ log: [3] });
    other.receive(2, voteRequest(2, { epoch: 4, lastEpoch: 2, logEndOffset: 100 }));
    expect(isGranted(other)).toBe(false);
  });

  it('takes the longer of two logs with the same last epoch for the more up-to-date one', () => {
    const request = { epoch: 3, lastEpoch: 2 };
    for (const [logEndOffset, granted] of [
      [1, false],
      [2, true],
      [3, true],
    ] as const) {
      const lone = new Lone({ log: [1, 2] });
      lone.receive(2, voteRequest(2, { ...request, logEndOffset }));
      expect(isGranted(lone)).toBe(granted);
    }
  });

  it('rejects another candidate in an epoch whose leader it knows', () => {
    const lone = new Lone();
    follow(lone, 1, 3);
    lone.receive(2, voteRequest(2, { epoch: 1 }));
    expect(isGranted(lone)).toBe(false);
  });

  it('rejects every candidate in an epoch whose leader has ended its reign', () => {
    const lone = new Lone();
    follow(lone, 1, 3);
    lone.receive(3, {
      type: 'endQuorumEpochRequest',
      clusterId,
      epoch: epochOf(1),
      leader: keyOf(3),
      preferredSuccessors: [keyOf(2), keyOf(1)],
    });
    expect(lone.core.leaderId).toBeNull();
    lone.receive(2, voteRequest(2, { epoch: 1 }));
    expect(isGranted(lone)).toBe(false);
    lone.receive(2, voteRequest(2, { epoch: 2 }));
    expect(isGranted(lone)).toBe(true);
  });

  it('refuses whoever asks for the vote of an epoch that it has led itself before a restart', () => {
    // It was a voter no more, so that nothing says whom it had voted for.
    const lone = new Lone({ epoch: 3, leaderId: 1, voted: null, voters: [2, 3] });
    lone.receive(2, voteRequest(2, { epoch: 3 }));
    expect(isGranted(lone)).toBe(false);
    lone.receive(2, voteRequest(2, { epoch: 4 }));
    expect(isGranted(lone)).toBe(true);
  });

  it('lets no new epoch put off the election that its leader’s silence has brought near', () => {
    const lone = contentFollower();
    for (let waitedMs = 0; waitedMs < 1_900; waitedMs += 100) lone.tick(100);
    lone.receive(3, voteRequest(3, { epoch: 7 }));
    expect(isGranted(lone)).toBe(false);
    expect(lone.core).toMatchObject({ role: 'unattached', epoch: 7 });
    lone.tick(100);
    expect(lone.core.role).toBe('prospective');
  });

  it('lets no repeated end of an epoch put the election off that the first has brought about', () => {
    const lone = contentFollower();
    for (let waitedMs = 0; waitedMs < 5_000 && lone.core.role !== 'prospective'; waitedMs += 10) {
      lone.receive(2, {
        type: 'endQuorumEpochRequest',
        clusterId,
        epoch: lone.core.epoch,
        leader: keyOf(2),
        preferredSuccessors: [keyOf(3), keyOf(1)],
      });
      lone.tick(10);
    }
    expect(lone.core.role).toBe('prospective');
  });

  it('has voted for a replica with its disk, and not for one with another disk under the same id', () => {
    const lone = new Lone();
    lone.receive(2, voteRequest(2, { epoch: 1 }));
    expect(isGranted(lone)).toBe(true);
    lone.receive(2, voteRequest(2, { epoch: 1, candidate: keyOf(2, 'b') }));
    expect(isGranted(lone)).toBe(false);
  });

  it('does not answer for the disk it has lost', () => {
    const lone = new Lone({ disk: 'b' });
    lone.receive(2, beginQuorumEpoch(2, 1, keyOf(1, 'a')));
    expect(lone.sent('beginQuorumEpochResponse')).toEqual([]);
    expect(lone.core).toMatchObject({ epoch: 0, leaderId: null });
    lone.receive(2, voteRequest(2, { epoch: 1 }));
    expect(lone.sent('voteResponse')).toEqual([]);
    expect(lone.core.epoch).toBe(0);
  });

  it('grants a vote to a candidate that its own log does not know as a voter yet', () => {
    const lone = new Lone();
    lone.receive(4, voteRequest(4, { epoch: 1 }));
    expect(isGranted(lone)).toBe(true);
  });

  it('grants a vote that a candidate counts, though its own log does not know itself as a voter yet', () => {
    const lone = new Lone({ voters: [2, 3] });
    lone.receive(2, voteRequest(2, { epoch: 1, voter: keyOf(1) }));
    expect(isGranted(lone)).toBe(true);
  });

  it('puts its own campaign off when it grants a vote, and not when it rejects one', () => {
    const lone = new Lone({ log: [1] });
    const deadlineMs = lone.nowMs + 2 * testConfig.electionTimeoutMs;
    for (let epoch = 2; lone.nowMs < deadlineMs && lone.core.role === 'unattached'; epoch++) {
      lone.receive(2, voteRequest(2, { epoch }));
      lone.tick(100);
    }
    expect(lone.core.role).toBe('prospective');
    const granting = new Lone();
    granting.tick(990);
    granting.receive(2, voteRequest(2, { epoch: 1 }));
    granting.tick(990);
    expect(granting.core.role).toBe('unattached');
  });
});

describe('pre-votes', () => {
  it('changes no epoch, no vote and no timer with a pre-vote', () => {
    const lone = new Lone();
    const before = lone.host.nextWakeAtMs;
    lone.receive(2, voteRequest(2, { epoch: 7, preVote: true }));
    expect(isGranted(lone)).toBe(true);
    expect(lone.core.epoch).toBe(0);
    expect(lone.seen('persistQuorumState')).toEqual([]);
    expect(lone.host.nextWakeAtMs).toBe(before);
  });

  it('rejects a pre-vote while it fetches from its leader', () => {
    const lone = contentFollower();
    lone.receive(3, voteRequest(3, { epoch: 2, lastEpoch: 1, logEndOffset: 9, preVote: true }));
    expect(isGranted(lone)).toBe(false);
  });

  it('grants a pre-vote when it has not fetched within the fetch timeout', () => {
    const lone = contentFollower();
    lone.cluster.nowMs += testConfig.fetchTimeoutMs;
    lone.receive(3, voteRequest(3, { epoch: 2, lastEpoch: 1, logEndOffset: 9, preVote: true }));
    expect(isGranted(lone)).toBe(true);
  });

  it('grants a pre-vote when its leader has closed the connection and refuses another', () => {
    const lone = contentFollower();
    lone.input({ type: 'connectionClosed', peer: nodeId(2), refused: true });
    lone.receive(3, voteRequest(3, { epoch: 2, lastEpoch: 1, logEndOffset: 9, preVote: true }));
    expect(isGranted(lone)).toBe(true);
    expect(lone.core.epoch).toBe(2);
  });

  it('rejects a pre-vote of a shorter log', () => {
    const lone = new Lone({ log: [1, 1] });
    lone.receive(2, voteRequest(2, { epoch: 1, lastEpoch: 1, logEndOffset: 1, preVote: true }));
    expect(isGranted(lone)).toBe(false);
  });

  it('rejects a pre-vote as leader', () => {
    const lone = new Lone();
    lone.becomeLeader();
    lone.receive(3, voteRequest(3, { epoch: 9, lastEpoch: 9, logEndOffset: 9, preVote: true }));
    expect(isGranted(lone)).toBe(false);
    expect(lone.core.role).toBe('leader');
  });

  it('campaigns within 50 ms of a refused reconnect, and not on a closed connection alone', () => {
    const lone = contentFollower();
    lone.input({ type: 'connectionClosed', peer: nodeId(2), refused: false });
    lone.tick(51);
    expect(lone.core.role).toBe('follower');
    lone.input({ type: 'connectionClosed', peer: nodeId(2), refused: true });
    lone.tick(51);
    expect(lone.core.role).toBe('prospective');
    expect(lone.core.epoch).toBe(2);
  });

  it('asks again who has rejected its pre-vote and then asks for pre-votes itself', () => {
    const lone = new Lone({ log: [1, 1] });
    lone.becomeProspective();
    const preVote = voteRequest(3, { epoch: 1, lastEpoch: 1, logEndOffset: 1, preVote: true });
    lone.receive(3, preVote);
    expect(lone.sent('voteRequest')).toEqual([]);
    lone.receive(3, voteResponse(lone, 3, { preVote: true, voteGranted: false }));
    lone.receive(3, preVote);
    expect(isGranted(lone)).toBe(false);
    expect(lone.sent('voteRequest')).toMatchObject([{ preVote: true, epoch: 1, voter: keyOf(3) }]);
    // Once for each rejection, or two who reject each other would ask without end.
    lone.receive(3, preVote);
    expect(lone.sent('voteRequest')).toEqual([]);
    lone.receive(3, voteResponse(lone, 3, { preVote: true }));
    expect(lone.core).toMatchObject({ role: 'candidate', epoch: 2 });
    // A vote that was refused stays refused.
    lone.receive(3, voteResponse(lone, 3, { voteGranted: false }));
    lone.receive(3, voteRequest(3, { epoch: 2, lastEpoch: 1, logEndOffset: 1, preVote: true }));
    expect(lone.sent('voteRequest')).toEqual([]);
  });

  it('goes back to its leader when it loses a pre-vote', () => {
    const lone = contentFollower();
    lone.tick(testConfig.fetchTimeoutMs);
    expect(lone.core.role).toBe('prospective');
    for (const from of [2, 3])
      lone.receive(from, voteResponse(lone, from, { voteGranted: false, preVote: true }));
    expect(lone.core).toMatchObject({ role: 'follower', leaderId: 2, epoch: 2 });
    expect(lone.sent('fetchRequest', 2)).toHaveLength(1);
  });
});

describe('standing for election', () => {
  it('begins no election before its timeout, and one after twice that at the latest', () => {
    const lone = new Lone();
    lone.tick(testConfig.electionTimeoutMs - 1);
    expect(lone.core.role).toBe('unattached');
    lone.tick(testConfig.electionTimeoutMs + 1);
    expect(lone.core.role).toBe('prospective');
  });

  it('spreads election timeouts by chance', () => {
    const starts = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      const lone = new Lone();
      for (let turn = 0; turn < seed; turn++) lone.restart();
      lone.becomeProspective();
      starts.add(lone.nowMs);
    }
    expect(starts.size).toBeGreaterThan(10);
  });

  it('raises its epoch, votes for itself and asks all other voters when a majority would vote for it', () => {
    const lone = new Lone({ log: [1, 1] });
    lone.becomeProspective();
    expect(lone.sent('voteRequest')).toMatchObject([
      { epoch: 1, preVote: true, voter: keyOf(2) },
      { epoch: 1, preVote: true, voter: keyOf(3) },
    ]);
    lone.receive(3, voteResponse(lone, 3, { preVote: true }));
    expect(lone.core).toMatchObject({ role: 'candidate', epoch: 2 });
    expect(lone.host.disk.quorumState.voted).toEqual(keyOf(1));
    expect(lone.sent('voteRequest')).toMatchObject([
      { epoch: 2, preVote: false, lastEpoch: 1, logEndOffset: 2, voter: keyOf(2) },
      { epoch: 2, preVote: false, lastEpoch: 1, logEndOffset: 2, voter: keyOf(3) },
    ]);
  });

  it('asks for votes only once its own vote is on disk, and leads only then', () => {
    const lone = new Lone();
    lone.becomeProspective();
    lone.cluster.holdIo(1, true);
    lone.receive(2, voteResponse(lone, 2, { preVote: true }));
    expect(lone.sent('voteRequest')).toEqual([]);
    lone.receive(2, voteResponse(lone, 2, {}));
    lone.receive(3, voteResponse(lone, 3, {}));
    expect(lone.core.role).toBe('candidate');
    lone.cluster.completeIo(1);
    expect(lone.core.role).toBe('leader');
  });

  it('leads with the votes of a majority and makes itself known at once', () => {
    const lone = new Lone();
    lone.becomeCandidate();
    lone.receive(3, voteResponse(lone, 3, {}));
    expect(lone.core.role).toBe('leader');
    expect(lone.sent('beginQuorumEpochRequest').map((request) => request.voter.id)).toEqual([2, 3]);
  });

  it('counts no answer to an older election, none twice, and none of a stranger', () => {
    const lone = new Lone({ voters: [1, 2, 3, 4, 5] });
    lone.becomeProspective();
    for (const from of [2, 3]) lone.receive(from, voteResponse(lone, from, { preVote: true }));
    expect(lone.core.role).toBe('candidate');
    lone.receive(2, voteResponse(lone, 2, { requestEpoch: 0 }));
    lone.receive(2, voteResponse(lone, 2, { preVote: true }));
    for (let twice = 0; twice < 2; twice++) lone.receive(3, voteResponse(lone, 3, {}));
    lone.receive(4, voteResponse(lone, 4, { voter: keyOf(4, 'b') }));
    expect(lone.core.role).toBe('candidate');
    lone.receive(5, voteResponse(lone, 5, {}));
    expect(lone.core.role).toBe('leader');
  });

  it.each(['unattached', 'prospective', 'candidate'] as const)(
    'follows a leader that makes itself known in its epoch, or that an answer names, as %s',
    (role) => {
      const inRole = (): Lone => {
        const lone = new Lone({ epoch: 3 });
        if (role !== 'unattached') lone.becomeProspective();
        if (role === 'candidate') lone.receive(2, voteResponse(lone, 2, { preVote: true }));
        expect(lone.core.role).toBe(role);
        return lone;
      };
      const told = inRole();
      told.receive(3, beginQuorumEpoch(3, told.core.epoch));
      expect(told.core).toMatchObject({ role: 'follower', leaderId: 3 });
      const answered = inRole();
      const head = { clusterId, epoch: answered.core.epoch } as const;
      answered.receive(2, { ...head, type: 'endQuorumEpochResponse', leaderId: nodeId(3) });
      expect(answered.core).toMatchObject({ role: 'follower', leaderId: 3 });
    },
  );

  it('is no former leader that tells others of its end, when it is no voter any more', () => {
    const lone = new Lone({ voters: [2, 3], epoch: 3, leaderId: 1, voted: keyOf(1) });
    expect(lone.core.role).toBe('unattached');
    expect(lone.sent('endQuorumEpochRequest')).toEqual([]);
  });

  it('follows a leader of its epoch that it hears of as a candidate', () => {
    const lone = new Lone();
    lone.becomeCandidate();
    lone.receive(2, beginQuorumEpoch(2, 1));
    expect(lone.core).toMatchObject({ role: 'follower', leaderId: 2, epoch: 1 });
  });

  it('gives up a candidacy that a majority rejects, and tries again after a pause that grows', () => {
    const lone = new Lone();
    const pauses: number[] = [];
    for (let round = 0; round < 12; round++) {
      lone.becomeProspective();
      for (const from of [2, 3])
        lone.receive(from, voteResponse(lone, from, { voteGranted: false, preVote: true }));
      expect(lone.core.role).toBe('unattached');
      const lostMs = lone.nowMs;
      lone.becomeProspective();
      pauses.push(lone.nowMs - lostMs);
      for (const from of [2, 3])
        lone.receive(from, voteResponse(lone, from, { voteGranted: false, preVote: true }));
    }
    expect(Math.max(...pauses.slice(0, 1))).toBeLessThanOrEqual(
      4 * testConfig.retryBackoffMs + testConfig.retryBackoffMs,
    );
    expect(Math.max(...pauses)).toBeGreaterThan(8 * testConfig.retryBackoffMs);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(testConfig.electionBackoffMaxMs);
  });

  it('starts a new election when one ends without a winner', () => {
    const lone = new Lone();
    lone.becomeCandidate();
    lone.tick(2 * testConfig.electionTimeoutMs);
    lone.becomeProspective();
    expect(lone.core.epoch).toBe(1);
    lone.receive(2, voteResponse(lone, 2, { preVote: true }));
    expect(lone.core).toMatchObject({ role: 'candidate', epoch: 2 });
  });

  it('asks again for answers that do not come', () => {
    const lone = new Lone();
    lone.becomeCandidate();
    lone.tickToNext();
    expect(lone.sent('voteRequest').map((request) => request.voter.id)).toEqual([2, 3]);
  });

  it('elects a sole voter without waiting for anybody', () => {
    const lone = new Lone({ voters: [1] });
    lone.tick(2 * testConfig.electionTimeoutMs);
    expect(lone.core).toMatchObject({ role: 'leader', epoch: 1, highWatermark: 3 });
  });

  it('never campaigns as an observer', () => {
    for (const options of [{ voters: [2, 3] }, { disk: 'b' }]) {
      const lone = new Lone(options);
      for (let turn = 0; turn < 200; turn++) lone.tickToNext();
      expect(lone.core.role).toBe('unattached');
      expect(lone.core.isActiveVoter).toBe(false);
    }
  });

  it('resets no vote and no epoch when a leader of a higher epoch makes itself known, but follows it', () => {
    const lone = new Lone();
    lone.becomeLeader();
    lone.receive(2, beginQuorumEpoch(2, 5));
    expect(lone.core).toMatchObject({ role: 'follower', leaderId: 2, epoch: 5 });
  });

  it('steps down when a fetch, an answer or a request is of a higher epoch', () => {
    const messages = [
      (lone: Lone) => fetchOf(lone, 2, { epoch: 9 }),
      (lone: Lone) => voteResponse(lone, 2, { epoch: 9, voteGranted: false }),
      () => voteRequest(2, { epoch: 9 }),
    ];
    for (const make of messages) {
      const lone = new Lone();
      lone.becomeLeader();
      lone.receive(2, make(lone));
      expect(lone.core).toMatchObject({ role: 'unattached', epoch: 9 });
    }
  });
});
