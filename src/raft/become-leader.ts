import { assert } from '../base/assert.ts';
import type { NodeId } from '../base/brands.ts';
import { appendControlBatch } from './append.ts';
import { sendBeginQuorumEpoch } from './begin-quorum-epoch.ts';
import { noteSupport } from './check-quorum.ts';
import type { ControlRecord } from './control-records.ts';
import { type CoreState, mayCampaign, setQuorumState } from './core-state.ts';
import { advanceLeaderHighWatermark } from './high-watermark.ts';
import { allUnderstand, kraftVersionOfVoterSets } from './kraft-version.ts';
import { newLeadership } from './leadership.ts';
import { checkQuorumTimeoutMs } from './limits.ts';
import { raiseRound } from './read-barrier.ts';
import { announceRole, transitionTo } from './transition.ts';

/** A majority has voted for this candidate: it leads its epoch (Raft paper, 5.2). */
export function becomeLeader(core: CoreState, grantingVoterIds: readonly NodeId[]): void {
  assert(mayCampaign(core), 'only who may campaign leads');
  assert(core.gateIoId === null, 'leads before its own vote is durable');
  const epochStartOffset = core.log.endOffset;
  const leadership = newLeadership({
    epochStartOffset,
    voters: core.voterSets.voters,
    localId: core.local.id,
    nowMs: core.nowMs,
    checkQuorumTimeoutMs: checkQuorumTimeoutMs(core.config),
  });
  setQuorumState(core, { leaderId: core.local.id });
  transitionTo(core, { name: 'leader', leadership });
  core.lostElections = 0;
  core.lastContactMs = core.nowMs;
  appendControlBatch(core, leadership, firstRecords(core, [...grantingVoterIds]));
  announceRole(core);
  raiseRound(core, leadership);
  sendBeginQuorumEpoch(core, leadership);
  // A sole voter needs nobody's support.
  noteSupport(core, leadership);
  advanceLeaderHighWatermark(core, leadership);
}

/**
 * LeaderChange is the first record of every epoch: what earlier epochs left is committed with it, and
 * never by counting alone (Raft paper, 5.4.2). On an empty log the voter set of the bootstrap descriptor
 * follows it into the log in the same batch (design 7, KIP-853), unless one of those voters does not understand
 * voter sets in the log: then the protocol stays at version 0, and the voters are the descriptor's for good.
 */
function firstRecords(core: CoreState, grantingVoterIds: readonly NodeId[]): readonly ControlRecord[] {
  const { voters } = core.voterSets;
  const leaderChange: ControlRecord = {
    type: 'LeaderChange',
    leaderId: core.local.id,
    epoch: core.quorum.epoch,
    voterIds: voters.map((voter) => voter.id),
    grantingVoterIds,
  };
  const isFounding = core.log.endOffset === 0;
  if (!isFounding || !allUnderstand(voters, kraftVersionOfVoterSets)) return [leaderChange];
  return [
    leaderChange,
    { type: 'KRaftVersion', kraftVersion: kraftVersionOfVoterSets },
    { type: 'KRaftVoters', voters },
  ];
}
