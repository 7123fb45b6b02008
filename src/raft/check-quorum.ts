import { type CoreState, isLocal, isVoter } from './core-state.ts';
import { type Leadership, progressOf, type ReplicaProgress } from './leadership.ts';
import { checkQuorumTimeoutMs } from './limits.ts';
import { completeBarriers, roundRaisedMs } from './read-barrier.ts';

/**
 * Check-quorum (Raft thesis, 6.2; KIP-595): a leader that no majority follows resigns after 1.5 fetch
 * timeouts, so that its clients need not wait for a leader that cannot commit. A voter supports it from
 * the moment at which the round was raised that the voter has echoed, not from the echo's arrival: a
 * delayed fetch says nothing of the present (design 5).
 */
export function noteEchoedRound(
  core: CoreState,
  leadership: Leadership,
  progress: ReplicaProgress,
  round: number,
): void {
  if (round <= progress.echoedRound) return;
  progress.echoedRound = round;
  const raisedMs = roundRaisedMs(leadership.barriers.raisedAt, round);
  if (raisedMs !== null) creditReplica(core, leadership, progress, raisedMs);
  completeBarriers(core, leadership);
}

/** The replica has shown that it followed this leader at `atMs` or later. */
export function creditReplica(
  core: CoreState,
  leadership: Leadership,
  progress: ReplicaProgress,
  atMs: number,
): void {
  if (atMs <= progress.supportedAtMs) return;
  progress.supportedAtMs = atMs;
  noteSupport(core, leadership);
}

/** Puts off the leader's resignation as far as a majority of the voters in force supports it. */
export function noteSupport(core: CoreState, leadership: Leadership): void {
  const { voters, majority } = core.voterSets;
  const needed = isVoter(core) ? majority - 1 : majority;
  if (needed === 0) {
    leadership.checkQuorumDeadlineMs = Number.POSITIVE_INFINITY;
    leadership.lastMajorityContactMs = core.nowMs;
    return;
  }
  const supported: number[] = [];
  for (const voter of voters) {
    if (!isLocal(core, voter)) supported.push(progressOf(leadership, voter)?.supportedAtMs ?? 0);
  }
  supported.sort((left, right) => right - left);
  const sinceMs = supported[needed - 1] ?? 0;
  if (sinceMs > leadership.lastMajorityContactMs) leadership.lastMajorityContactMs = sinceMs;
  const deadlineMs = leadership.lastMajorityContactMs + checkQuorumTimeoutMs(core.config);
  const isEndless = leadership.checkQuorumDeadlineMs === Number.POSITIVE_INFINITY;
  // A deadline that a stall has put off is not brought forward again.
  if (isEndless || deadlineMs > leadership.checkQuorumDeadlineMs) {
    leadership.checkQuorumDeadlineMs = deadlineMs;
  }
}
