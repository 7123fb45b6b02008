import { assert } from '../base/assert.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import type { RecoveredState } from './config.ts';
import { type CoreState, isLocal, isVoter } from './core-state.ts';
import type { QuorumState } from './quorum-state.ts';
import { randomElectionDeadlineMs } from './transition.ts';

/**
 * The role in which a replica begins. A voter never begins as leader: who led this epoch before a crash
 * has resigned by it, and tells the others so (KIP-595), since what it sent and had not flushed is gone.
 */
export function recoverRole(core: CoreState, recovered: RecoveredState): void {
  core.quorum = recoverQuorumState(core, recovered);
  const { leaderId, voted } = core.quorum;
  const electionDeadlineMs = randomElectionDeadlineMs(core);
  if (leaderId === core.local.id) {
    recoverFormerLeader(core, voted !== null && isLocal(core, voted), electionDeadlineMs);
    return;
  }
  if (leaderId === null) {
    core.role = { name: 'unattached', electionDeadlineMs, nextQuestionMs: core.nowMs };
    return;
  }
  core.role = {
    name: 'follower',
    leaderId,
    // It may have been gone for long; another election timeout is enough to find out.
    fetchDeadlineMs: Math.min(electionDeadlineMs, core.nowMs + core.config.fetchTimeoutMs),
    question: null,
    firstFetchId: core.nextFetchId,
    nextFetchMs: core.nowMs,
    round: 0,
    lastAnswerMs: null,
    isAwaitingFlush: false,
    suspectsLeader: false,
  };
}

/**
 * A replica that has lost its quorum state begins in the epoch of its log, without a leader (Kafka:
 * QuorumState.initialize). It has a new directory id and is no voter, so that the vote it has forgotten is
 * nobody's. A voter's quorum state is durable before its log holds a record of that epoch.
 */
function recoverQuorumState(core: CoreState, { quorumState }: RecoveredState): QuorumState {
  const { lastEpoch } = core.log;
  if (quorumState.epoch >= lastEpoch) return quorumState;
  assert(!isVoter(core), 'a voter has forgotten an epoch in which it wrote to its log');
  return { ...quorumState, epoch: lastEpoch, leaderId: null, voted: null };
}

function recoverFormerLeader(core: CoreState, hasVotedForItself: boolean, electionDeadlineMs: number): void {
  // Known without a write: nobody but this node could have led the epoch in which it voted for itself.
  core.quorum = { ...core.quorum, leaderId: null };
  core.endedEpoch = core.quorum.epoch;
  if (!hasVotedForItself || !isVoter(core)) {
    core.role = { name: 'unattached', electionDeadlineMs, nextQuestionMs: core.nowMs };
    return;
  }
  coverageMark('start: a former leader resigns');
  const others = core.voterSets.voters.filter((voter) => voter.id !== core.local.id);
  core.role = {
    name: 'resigned',
    electionDeadlineMs,
    nextSendMs: core.nowMs,
    // Who is furthest ahead is not known any more; the pre-vote finds out.
    successors: others.map(({ id, directoryId }) => ({ id, directoryId })),
    unanswered: others.map((voter) => voter.id),
  };
}
