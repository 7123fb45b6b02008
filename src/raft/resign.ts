import type { NodeId } from '../base/brands.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import { type CoreState, send } from './core-state.ts';
import type { Input } from './inputs.ts';
import { type Leadership, progressOf, type ReplicaProgress } from './leadership.ts';
import { checkQuorumTimeoutMs, resendMs } from './limits.ts';
import type { ReplicaKey } from './replica-key.ts';
import { becomeResigned } from './transition.ts';

type ResignRequested = Extract<Input, { type: 'resignRequested' }>;

/** The shell wants this leader to go. Without a leader to replace there is nothing to do. */
export function handleResignRequested(core: CoreState, input: ResignRequested): void {
  const { role } = core;
  if (role.name !== 'leader') return;
  const { leadership } = role;
  const mustGo = input.reason === 'shutdown' || input.reason === 'stateMachineFailed';
  if (input.reason === 'lowOnSpace') {
    resignForSpace(core, leadership);
    return;
  }
  if (mustGo || someoneCanLead(core, leadership)) resign(core, leadership, input.preferredSuccessor);
}

/**
 * A leader short of disk space leaves only to a voter that has reported room (design 20): where all are
 * short, one after another would lead and leave, and fencing and control could not go on.
 */
function resignForSpace(core: CoreState, leadership: Leadership): void {
  const [successor] = successorsOf(core, leadership, null).filter(
    (voter) => canTakeOver(core, leadership, voter) && progressOf(leadership, voter)?.space === 'enough',
  );
  if (successor === undefined) {
    coverageMark('disk space: no voter with room can lead');
    return;
  }
  coverageMark('disk space: the leader hands over');
  resign(core, leadership, successor.id);
}

/**
 * A leader whose own disk hangs commits by the others' disks alone, and one more failure would stop the
 * quorum. It leaves when a caught-up voter can lead; true when it has. Check-quorum does not see this: the
 * rounds are echoed all the same (Raft thesis, 10.2.1 lets a leader write in parallel, without a bound).
 * One that is only slow stays: to go would make a backlog's outcome unknown, and a successor on such a disk
 * would go as well, so that under load there would be one short reign after the other.
 */
export function resignIfDiskHangs(core: CoreState, leadership: Leadership): boolean {
  const sinceMs = core.log.diskAwaitedSinceMs;
  if (sinceMs === null || core.nowMs - sinceMs < checkQuorumTimeoutMs(core.config)) return false;
  if (!someoneCanLead(core, leadership)) {
    coverageMark('disk hangs: nobody else can lead');
    return false;
  }
  coverageMark('disk hangs: the leader resigns');
  resign(core, leadership, null);
  return true;
}

/** Ends the own reign: nothing more is appended in this epoch, and the voters are told at once. */
export function resign(core: CoreState, leadership: Leadership, preferred: NodeId | null): void {
  becomeResigned(core, successorsOf(core, leadership, preferred));
  sendEndQuorumEpoch(core);
}

function someoneCanLead(core: CoreState, leadership: Leadership): boolean {
  return core.voterSets.voters.some((voter) => canTakeOver(core, leadership, voter));
}

function canTakeOver(core: CoreState, leadership: Leadership, voter: ReplicaKey): boolean {
  const caughtUpMs = progressOf(leadership, voter)?.lastCaughtUpMs ?? null;
  return caughtUpMs !== null && core.nowMs - caughtUpMs <= core.config.fetchTimeoutMs;
}

/** Voters by descending log end, so that the first can win (KIP-595); a preferred one stands before all. */
function successorsOf(
  core: CoreState,
  leadership: Leadership,
  preferred: NodeId | null,
): readonly ReplicaKey[] {
  const candidates: ReplicaProgress[] = [];
  for (const voter of core.voterSets.voters) {
    const progress = progressOf(leadership, voter);
    if (progress !== null) candidates.push(progress);
  }
  candidates.sort((left, right) => {
    if (left.key.id === preferred) return -1;
    if (right.key.id === preferred) return 1;
    return right.logEndOffset - left.logEndOffset || left.key.id - right.key.id;
  });
  return candidates.map((progress) => progress.key);
}

/** Tells every voter that has not confirmed it that this epoch has no leader any more (KIP-595). */
export function sendEndQuorumEpoch(core: CoreState): void {
  const { role } = core;
  if (role.name !== 'resigned') return;
  role.nextSendMs = core.nowMs + resendMs(core.config);
  for (const voterId of role.unanswered) {
    send(core, voterId, {
      type: 'endQuorumEpochRequest',
      clusterId: core.clusterId,
      epoch: core.quorum.epoch,
      leader: core.local,
      preferredSuccessors: role.successors,
    });
  }
}
