import { assert } from '../base/assert.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import type { Epoch, NodeId } from '../base/brands.ts';
import { type CoreState, isVoter, mayCampaign, setQuorumState } from './core-state.ts';
import { endLeadership } from './end-leadership.ts';
import { backoffDoublingsMax, epochMax, resendMs } from './limits.ts';
import type { ReplicaKey } from './replica-key.ts';
import { legalTransitions, type Role } from './role.ts';

/**
 * The one way from role to role. What belonged to the old role ends here: a leader's pending work is
 * answered before anything else can happen.
 */
export function transitionTo(core: CoreState, next: Role): void {
  const from = core.role;
  const isLegal = legalTransitions[from.name].includes(next.name);
  assert(isLegal, `no transition leads from ${from.name} to ${next.name}`);
  if (from.name === 'leader') {
    endLeadership(core, from.leadership);
    // Within its epoch, a majority was heard after the leader began: that is the contact which counts.
    if (core.lastContactMs !== null) core.lastContactMs = from.leadership.lastMajorityContactMs;
  }
  core.role = next;
}

/** Tells the shell of the role, once everything that the shell reads with it is in place. */
export function announceRole(core: CoreState): void {
  const { role, announced } = core;
  const { epoch, leaderId } = core.quorum;
  const isNews =
    announced === null ||
    announced.role !== role.name ||
    announced.epoch !== epoch ||
    announced.leaderId !== leaderId;
  if (!isNews) return;
  core.announced = { role: role.name, epoch, leaderId };
  core.effects.push({
    type: 'roleChanged',
    role: role.name,
    epoch,
    leaderId,
    epochStartOffset: role.name === 'leader' ? role.leadership.epochStartOffset : null,
    logEndOffset: core.log.endOffset,
  });
}

/** Between one and two election timeouts from now (Raft paper, 5.2; Kafka: T + rand(T)). */
export function randomElectionDeadlineMs(core: CoreState): number {
  const { electionTimeoutMs } = core.config;
  return core.nowMs + electionTimeoutMs + core.random.integer(electionTimeoutMs);
}

/**
 * Enters `epoch` without a leader. Unless a vote was granted a running election timeout goes on: else a
 * hopeless candidate that raises the epoch again and again could keep others from campaigning (Raft
 * paper, 5.2: the timer is reset by a leader or a granted vote, and by nothing else).
 */
export function becomeUnattached(core: CoreState, epoch: Epoch, electionDeadlineMs?: number): void {
  const deadlineMs = electionDeadlineMs ?? remainingDeadlineMs(core);
  enterEpoch(core, epoch, null);
  transitionTo(core, {
    name: 'unattached',
    electionDeadlineMs: deadlineMs,
    // An election goes on, as a rule; whoever wins it makes itself known.
    nextQuestionMs: core.nowMs + resendMs(core.config),
  });
  announceRole(core);
}

function remainingDeadlineMs(core: CoreState): number {
  const { role } = core;
  if (role.name === 'unattached' || role.name === 'prospective') {
    coverageMark('election: a higher epoch leaves the timeout running');
    return role.electionDeadlineMs;
  }
  const randomMs = randomElectionDeadlineMs(core);
  return role.name === 'follower' ? Math.min(role.fetchDeadlineMs, randomMs) : randomMs;
}

/** Follows `leaderId` in `epoch`. What was known of another epoch's leader is dropped with it. */
export function becomeFollower(
  core: CoreState,
  epoch: Epoch,
  leaderId: NodeId,
  suspicion: { readonly fetchDeadlineMs: number } | null = null,
): void {
  assert(leaderId !== core.local.id, 'a replica cannot follow itself');
  enterEpoch(core, epoch, leaderId);
  const { download } = core;
  const isResumable = download?.leaderId === leaderId && download.leaderEpoch === epoch;
  if (download !== null && !isResumable) {
    coverageMark('snapshot: another leader ends a download');
    core.download = null;
  }
  transitionTo(core, {
    name: 'follower',
    leaderId,
    fetchDeadlineMs: suspicion?.fetchDeadlineMs ?? core.nowMs + core.config.fetchTimeoutMs,
    question: null,
    firstFetchId: core.nextFetchId,
    nextFetchMs: core.nowMs,
    isAwaitingFlush: false,
    round: 0,
    lastAnswerMs: null,
    suspectsLeader: suspicion !== null,
  });
  announceRole(core);
}

/** Raft paper, 5.1: epochs only grow, and a new one begins with no vote given. */
function enterEpoch(core: CoreState, epoch: Epoch, leaderId: NodeId | null): void {
  const { quorum } = core;
  assert(epoch >= quorum.epoch, `epoch ${epoch} is older than ${quorum.epoch}`);
  if (epoch > quorum.epoch) {
    core.endedEpoch = null;
    core.lastContactMs = null;
    core.recoveryTarget = null;
    setQuorumState(core, { epoch, leaderId, voted: null });
  } else if (quorum.leaderId !== leaderId) {
    setQuorumState(core, { leaderId });
  }
}

/** KIP-996: asks for pre-votes before it raises the epoch. A sole voter needs nobody's. */
function becomeProspective(core: CoreState): void {
  assert(mayCampaign(core), 'this replica may not campaign');
  transitionTo(core, {
    name: 'prospective',
    ballot: { granted: ownVote(core), rejected: [], nextSendMs: core.nowMs },
    electionDeadlineMs: randomElectionDeadlineMs(core),
  });
  announceRole(core);
  if (isVoter(core) && core.voterSets.majority === 1) becomeCandidate(core);
}

/** Who stands for election without being in the set in force does not count itself (Raft thesis, 4.2.2). */
function ownVote(core: CoreState): NodeId[] {
  return isVoter(core) ? [core.local.id] : [];
}

/** Raft paper, Figure 2, "Candidates": raises its epoch, votes for itself, asks all others. */
export function becomeCandidate(core: CoreState): void {
  assert(mayCampaign(core), 'this replica may not campaign');
  assert(core.quorum.epoch < epochMax, 'there is no epoch left to campaign in');
  const epoch = (core.quorum.epoch + 1) as Epoch;
  enterEpoch(core, epoch, null);
  setQuorumState(core, { voted: core.local });
  transitionTo(core, {
    name: 'candidate',
    ballot: { granted: ownVote(core), rejected: [], nextSendMs: core.nowMs },
    electionDeadlineMs: randomElectionDeadlineMs(core),
    isOwnVoteDurable: false,
  });
  announceRole(core);
}

/** Ends this node's own reign and names those who should follow it, the furthest ahead first (KIP-595). */
export function becomeResigned(core: CoreState, successors: readonly ReplicaKey[]): void {
  const { epoch } = core.quorum;
  const others = core.voterSets.voters.filter((voter) => voter.id !== core.local.id);
  core.endedEpoch = epoch;
  enterEpoch(core, epoch, null);
  transitionTo(core, {
    name: 'resigned',
    electionDeadlineMs: randomElectionDeadlineMs(core),
    nextSendMs: core.nowMs,
    successors,
    unanswered: others.map((voter) => voter.id),
  });
  announceRole(core);
}

/**
 * The election timeout has passed, or a leader is given up. Who may not campaign looks for a leader.
 */
export function seekElection(core: CoreState): void {
  if (mayCampaign(core) && core.quorum.epoch < epochMax) {
    becomeProspective(core);
    return;
  }
  becomeUnattached(core, core.quorum.epoch, randomElectionDeadlineMs(core));
}

/**
 * No majority: try again after a pause that doubles with every loss (KIP-595, binary exponential
 * back-off), with the leader if there is one to fetch from (KIP-996).
 */
export function loseElection(core: CoreState): void {
  core.lostElections += 1;
  const { retryBackoffMs, electionBackoffMaxMs } = core.config;
  const doublings = Math.min(core.lostElections, backoffDoublingsMax);
  const pauseMs = retryBackoffMs * (1 + core.random.integer(1 << doublings));
  const deadlineMs = core.nowMs + Math.min(pauseMs, electionBackoffMaxMs);
  const { epoch, leaderId } = core.quorum;
  if (leaderId === null) {
    becomeUnattached(core, epoch, deadlineMs);
    return;
  }
  coverageMark('pre-vote: lost, and the leader is followed again');
  becomeFollower(core, epoch, leaderId, { fetchDeadlineMs: deadlineMs });
}

/**
 * A peer's answer names an epoch and perhaps its leader. A higher epoch always wins (Raft paper, Figure 2,
 * "All Servers"); a leader of this epoch is followed by whoever knew none.
 */
export function noteEpochOf(core: CoreState, epoch: Epoch, namedLeader: NodeId | null): void {
  if (epoch < core.quorum.epoch) return;
  // A stranger to the voter set, with another disk, may have led under this node's id.
  const leaderId = namedLeader === core.local.id ? null : namedLeader;
  if (epoch > core.quorum.epoch) {
    if (leaderId === null) becomeUnattached(core, epoch);
    else becomeFollower(core, epoch, leaderId);
    return;
  }
  const { name } = core.role;
  if (leaderId === null || core.quorum.leaderId !== null || core.endedEpoch === epoch) return;
  if (name === 'unattached' || name === 'prospective' || name === 'candidate') {
    coverageMark('epoch: an answer names its leader');
    becomeFollower(core, epoch, leaderId);
  }
}

/** The leader of this epoch has ended its reign; seek another, from `deadlineMs` on. */
export function noteEpochEnded(core: CoreState, electionDeadlineMs: number): void {
  core.endedEpoch = core.quorum.epoch;
  becomeUnattached(core, core.quorum.epoch, electionDeadlineMs);
}
