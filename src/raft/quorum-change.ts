import { coverageMark } from '../base/coverage-marks.ts';
import type { ControlRecord } from './control-records.ts';
import type { CoreState } from './core-state.ts';
import type { Effect } from './effects.ts';
import type { Input } from './inputs.ts';
import { allUnderstand, kraftVersionOfVoterSets } from './kraft-version.ts';
import type { Leadership } from './leadership.ts';
import { type ReplicaKey, sameReplica } from './replica-key.ts';
import { appendVoterSet, refusalForNow, refusalOfVoters } from './voter-change.ts';

type QuorumChangeProposed = Extract<Input, { type: 'quorumChangeProposed' }>;
type Refusal = Extract<Effect, { type: 'failProposal' }>['reason'];

/**
 * Control records that were asked for in the order of proposals, so that whoever proposes goes on behind them.
 *
 * A cluster that was born with a voter of an earlier release has no voter set in its log. Once all its voters
 * understand one, KRaftVersion and KRaftVoters come into the log in one batch, and so together or not at all: no log
 * ever holds a voter set that its protocol does not know (KIP-853, "kraft.version").
 */
export function handleQuorumChangeProposed(core: CoreState, input: QuorumChangeProposed): void {
  const { proposalId } = input;
  const { role } = core;
  const reason = role.name === 'leader' ? refusal(core, role.leadership, input) : 'NOT_LEADER';
  if (reason !== null || role.name !== 'leader') {
    core.effects.push({ type: 'failProposal', proposalId, reason: reason ?? 'NOT_LEADER' });
    return;
  }
  const { leadership } = role;
  const baseOffset = core.log.endOffset;
  appendVoterSet(core, leadership, recordsOf(input));
  leadership.pendingProposals.push({
    proposalId,
    baseOffset,
    endOffset: core.log.endOffset,
    sizeInBytes: 0,
  });
  if (input.kraftVersion !== null) coverageMark('kraft.version: the log takes its first voter set');
}

function recordsOf({ kraftVersion, voters }: QuorumChangeProposed): readonly ControlRecord[] {
  const voterSet: ControlRecord = { type: 'KRaftVoters', voters };
  return kraftVersion === null ? [voterSet] : [{ type: 'KRaftVersion', kraftVersion }, voterSet];
}

function refusal(core: CoreState, leadership: Leadership, input: QuorumChangeProposed): Refusal | null {
  if (input.epoch !== core.quorum.epoch) return 'EPOCH_MISMATCH';
  if (input.expectedBaseOffset !== core.log.endOffset) return 'OFFSET_MISMATCH';
  if (leadership.pendingProposals.length >= core.config.pendingProposalsMax) return 'TOO_MANY_PENDING';
  if (input.kraftVersion === null) return refusalOfVoters(core, leadership, input.voters);
  return refusalForNow(core, leadership) ?? refusalOfVersion(core, input.kraftVersion, input.voters);
}

function refusalOfVersion(
  core: CoreState,
  kraftVersion: number,
  voters: QuorumChangeProposed['voters'],
): Refusal | null {
  const isNext = kraftVersion === kraftVersionOfVoterSets && core.kraftVersion.current < kraftVersion;
  if (!isNext || !allUnderstand(voters, kraftVersion)) return 'UNSUPPORTED_VERSION';
  // The same voters, by whatever endpoint: who votes is changed by a change of its own.
  return isSameSet(core.voterSets.voters, voters) ? null : 'NOT_ONE_VOTER';
}

function isSameSet(left: readonly ReplicaKey[], right: readonly ReplicaKey[]): boolean {
  return left.length === right.length && left.every((key) => right.some((other) => sameReplica(key, other)));
}
