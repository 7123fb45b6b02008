import { describe, expect, it } from 'vitest';
import type { Effect } from '../../src/raft/effects.ts';
import type { Voter } from '../../src/raft/replica-key.ts';
import { keyOf, testConfig, voterOf } from './harness/host.ts';
import { answer, at, epochOf, fetchOf, follow, lastFetch, Lone, recordsOf } from './harness/lone.ts';

type Refusal = Extract<Effect, { type: 'failProposal' }>['reason'];

const three = [1, 2, 3].map((id) => voterOf(id));

/** Leads a log without voter sets: one of its founding voters was of an earlier release. */
function leaderOfOldProtocol(): Lone {
  const lone = new Lone({ log: [1] });
  lone.becomeCommittedLeader();
  expect(lone.core.kraftVersion).toBe(0);
  return lone;
}

type Proposed = { readonly kraftVersion?: number | null; readonly voters?: readonly Voter[] };

/** The reason of its refusal, or null. */
function propose(
  lone: Lone,
  { kraftVersion = 1, voters = three }: Proposed = {},
  offset?: number,
): Refusal | null {
  lone.effects = [];
  lone.input({
    type: 'quorumChangeProposed',
    proposalId: 7,
    epoch: lone.core.epoch,
    expectedBaseOffset: at(offset ?? lone.core.logEndOffset),
    kraftVersion,
    voters,
  });
  return lone.seen('failProposal')[0]?.reason ?? null;
}

describe('kraft.version', () => {
  it('comes into a log without voter sets together with the first of them, in one batch', () => {
    const lone = leaderOfOldProtocol();
    const end = lone.core.logEndOffset;
    expect(propose(lone)).toBeNull();
    const batches = lone.seen('appendBatches').flatMap((effect) => effect.batches);
    expect(batches).toMatchObject([
      {
        kind: 'control',
        baseOffset: end,
        records: [
          { type: 'KRaftVersion', kraftVersion: 1 },
          { type: 'KRaftVoters', voters: three },
        ],
      },
    ]);
    expect(lone.core).toMatchObject({ kraftVersion: 1, committedKRaftVersion: 0 });
  });

  it('is answered as a proposal is, when it is committed', () => {
    const lone = leaderOfOldProtocol();
    propose(lone);
    expect(lone.seen('completeProposal')).toEqual([]);
    lone.receive(2, fetchOf(lone, 2));
    expect(lone.seen('completeProposal')).toMatchObject([
      { proposalId: 7, endOffset: lone.core.logEndOffset },
    ]);
    expect(lone.core.committedKRaftVersion).toBe(1);
  });

  it('takes the endpoints and the ranges that its voters have by now, and no other voters', () => {
    const moved = { ...voterOf(3), endpoint: { host: 'elsewhere', port: 1 } };
    const lone = leaderOfOldProtocol();
    expect(propose(lone, { voters: [voterOf(1), voterOf(2)] })).toBe('NOT_ONE_VOTER');
    const stranger = { ...voterOf(3), ...keyOf(3, 'b') };
    expect(propose(lone, { voters: [voterOf(1), voterOf(2), stranger] })).toBe('NOT_ONE_VOTER');
    expect(propose(lone, { voters: [voterOf(1), voterOf(2), moved] })).toBeNull();
    expect(lone.core.voters[2]).toEqual(moved);
  });

  it('is refused where a voter does not understand it, or there is no such version, or it is in force', () => {
    const lone = leaderOfOldProtocol();
    const old = { ...voterOf(3), kraftVersions: { min: 0, max: 0 } };
    expect(propose(lone, { voters: [voterOf(1), voterOf(2), old] })).toBe('UNSUPPORTED_VERSION');
    expect(propose(lone, { kraftVersion: 0 })).toBe('UNSUPPORTED_VERSION');
    const newest = three.map((voter) => ({ ...voter, kraftVersions: { min: 0, max: 2 } }));
    expect(propose(lone, { kraftVersion: 2, voters: newest })).toBe('UNSUPPORTED_VERSION');
    expect(propose(lone)).toBeNull();
    lone.receive(2, fetchOf(lone, 2));
    expect(propose(lone)).toBe('UNSUPPORTED_VERSION');
  });

  it('is refused before a record of its own epoch is committed, and while a voter set is not', () => {
    const early = new Lone({ log: [1] });
    early.becomeLeader();
    expect(propose(early)).toBe('HIGH_WATERMARK_UNKNOWN');
    const lone = leaderOfOldProtocol();
    expect(propose(lone)).toBeNull();
    expect(propose(lone)).toBe('CHANGE_PENDING');
  });

  it('is refused where the log does not end as its proposer believes, or this node does not lead', () => {
    const lone = leaderOfOldProtocol();
    expect(propose(lone, {}, lone.core.logEndOffset - 1)).toBe('OFFSET_MISMATCH');
    const follower = new Lone({ log: [1] });
    expect(propose(follower)).toBe('NOT_LEADER');
    const { epoch } = lone.core;
    lone.effects = [];
    lone.input({
      type: 'quorumChangeProposed',
      proposalId: 8,
      epoch: epochOf(epoch - 1),
      expectedBaseOffset: lone.core.logEndOffset,
      kraftVersion: 1,
      voters: three,
    });
    expect(lone.seen('failProposal')).toMatchObject([{ proposalId: 8, reason: 'EPOCH_MISMATCH' }]);
  });

  it('is reported as unknown when its leader is lost', () => {
    const lone = leaderOfOldProtocol();
    propose(lone);
    lone.receive(2, fetchOf(lone, 2, { epoch: 9, lastFetchedEpoch: 0, fetchOffset: 0 }));
    expect(lone.seen('failProposal')).toMatchObject([{ proposalId: 7, reason: 'OUTCOME_UNKNOWN' }]);
  });

  it('goes with its voter set when it is truncated, wherever in the log it stood', () => {
    const leader = leaderOfOldProtocol();
    propose(leader);
    const control = leader.host.log.batches.at(-1);
    const follower = new Lone({ log: [1, 1, 1] });
    const fetchId = follow(follower, 2);
    const records = recordsOf([1, 1, 1, 2, 2], 3);
    const batch = { ...control, baseOffset: at(3), epoch: epochOf(2) } as (typeof records.batches)[number];
    follower.receive(2, answer(follower, 2, fetchId, { ...records, batches: [batch] }));
    expect(follower.core).toMatchObject({ kraftVersion: 1, logEndOffset: 5 });
    // A restart must not forget where it stood.
    follower.restart();
    expect(follower.core).toMatchObject({ kraftVersion: 1, logEndOffset: 5 });
    follow(follower, 3, 3);
    const diverging = { kind: 'diverging', divergingEpoch: epochOf(1), endOffset: at(3) } as const;
    follower.receive(3, answer(follower, 3, lastFetch(follower).fetchId, diverging));
    expect(follower.core).toMatchObject({ kraftVersion: 0, logEndOffset: 3 });
  });

  it('counts among the proposals that may be pending', () => {
    const lone = leaderOfOldProtocol();
    for (let count = 0; count < testConfig.pendingProposalsMax; count++) {
      lone.propose('one');
    }
    expect(propose(lone)).toBe('TOO_MANY_PENDING');
  });
});

describe('a voter that describes itself otherwise', () => {
  it('is updated in the order of proposals, one at a time', () => {
    const lone = new Lone();
    lone.becomeCommittedLeader();
    const moved = [2, 3].map((id) => ({ ...voterOf(id), endpoint: { host: 'elsewhere', port: id } }));
    const [second = voterOf(2), third = voterOf(3)] = moved;
    expect(propose(lone, { kraftVersion: null, voters: [voterOf(1), second, third] })).toBe('NOT_ONE_VOTER');
    expect(propose(lone, { kraftVersion: null, voters: [voterOf(1), second, voterOf(3)] })).toBeNull();
    expect(lone.core.voters[1]).toEqual(second);
    expect(propose(lone, { kraftVersion: null, voters: [voterOf(1), second, third] })).toBe('CHANGE_PENDING');
    lone.receive(2, fetchOf(lone, 2));
    expect(lone.seen('completeProposal')).toMatchObject([{ proposalId: 7 }]);
  });

  it('is not updated in a log that knows no voter sets', () => {
    const moved = { ...voterOf(3), endpoint: { host: 'elsewhere', port: 1 } };
    const voters = [voterOf(1), voterOf(2), moved];
    expect(propose(leaderOfOldProtocol(), { kraftVersion: null, voters })).toBe('UNSUPPORTED_VERSION');
  });
});
