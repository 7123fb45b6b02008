import type { NodeId } from '../base/brands.ts';
import { type CoreState, send } from './core-state.ts';
import type { Input } from './inputs.ts';
import { type Leadership, progressOf, type ReplicaProgress } from './leadership.ts';
import { resendMs } from './limits.ts';
import type { ReplicaKey } from './replica-key.ts';
import { becomeResigned } from './transition.ts';

type ResignRequested = Extract<Input, { type: 'resignRequested' }>;

/** The shell wants this leader to go. Without a leader to replace there is nothing to do. */
export function handleResignRequested(core: CoreState, input: ResignRequested): void {
  const { role } = core;
  if (role.name !== 'leader') return;
  const { leadership } = role;
  const mustGo = input.reason === 'shutdown' || input.reason === 'stateMachineFailed';
  // Whoever fetches has room on its disk: a follower without stops fetching (design 20).
  const someoneCanLead = core.voterSets.voters.some((voter) => canTakeOver(core, leadership, voter));
  if (mustGo || someoneCanLead) resign(core, leadership, input.preferredSuccessor);
}

/** Ends the own reign: nothing more is appended in this epoch, and the voters are told at once. */
export function resign(core: CoreState, leadership: Leadership, preferred: NodeId | null): void {
  becomeResigned(core, successorsOf(core, leadership, preferred));
  sendEndQuorumEpoch(core);
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
