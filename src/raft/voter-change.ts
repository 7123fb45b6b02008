import type { Voter } from './replica-key.ts';
import { sameReplica } from './replica-key.ts';
import { appendControlBatch } from './append.ts';
import { noteSupport } from './check-quorum.ts';
import type { ControlRecord } from './control-records.ts';
import type { CoreState } from './core-state.ts';
import { isVoter } from './core-state.ts';
import type { VoterChangeError } from './effects.ts';
import type { Input } from './inputs.ts';
import { kraftVersionOfVoterSets, understands } from './kraft-version.ts';
import { type Leadership, progressOf } from './leadership.ts';
import { completeBarriers } from './read-barrier.ts';
import { resign } from './resign.ts';
import { hasUniqueIds } from './voter-set.ts';

type VoterChangeRequested = Extract<Input, { type: 'voterChangeRequested' }>;

/**
 * One voter is added, removed or updated at a time, so that a majority of the old set and one of the new
 * always share a voter (Raft thesis, 4.1; KIP-853).
 */
export function handleVoterChangeRequested(core: CoreState, input: VoterChangeRequested): void {
  const { requestId, voters } = input;
  const { role } = core;
  const error = findVoterChangeError(core, voters);
  if (error !== null || role.name !== 'leader') {
    core.effects.push({ type: 'voterChangeAnswered', requestId, error });
    return;
  }
  const { leadership } = role;
  leadership.pendingVoterChange = { requestId, offset: core.log.endOffset };
  appendVoterSet(core, leadership, [{ type: 'KRaftVoters', voters }]);
}

/** Control records with a voter set among them. */
export function appendVoterSet(
  core: CoreState,
  leadership: Leadership,
  records: readonly ControlRecord[],
): void {
  appendControlBatch(core, leadership, records);
  // Other voters make other majorities from here on.
  completeBarriers(core, leadership);
  noteSupport(core, leadership);
}

/** Why these voters cannot be put in force now; null when they can. */
export function findVoterChangeError(core: CoreState, voters: readonly Voter[]): VoterChangeError | null {
  const { role } = core;
  return role.name === 'leader' ? refusalOfVoters(core, role.leadership, voters) : 'NOT_LEADER';
}

/** Why no voter set at all may come into the log now, or null. */
export function refusalForNow(
  core: CoreState,
  leadership: Leadership,
): 'HIGH_WATERMARK_UNKNOWN' | 'CHANGE_PENDING' | null {
  // Before that, an earlier leader's change could still be committed beside this one (Ongaro, 2015).
  if (core.highWatermark <= leadership.epochStartOffset) return 'HIGH_WATERMARK_UNKNOWN';
  if (core.voterSets.isUncommitted(core.highWatermark)) return 'CHANGE_PENDING';
  return null;
}

/** Why this voter set may not follow the one in force now, or null. */
export function refusalOfVoters(
  core: CoreState,
  leadership: Leadership,
  voters: readonly Voter[],
): VoterChangeError | null {
  const isTooEarly = refusalForNow(core, leadership);
  if (isTooEarly !== null) return isTooEarly;
  // Not even a removal: it would bring a voter set into a log whose readers may not understand one.
  if (core.kraftVersion.current < kraftVersionOfVoterSets) return 'UNSUPPORTED_VERSION';
  const current = core.voterSets.voters;
  if (voters.length === 0 || !hasUniqueIds(voters)) return 'NOT_ONE_VOTER';
  const added = voters.filter((voter) => !current.some((other) => sameReplica(other, voter)));
  const removed = current.filter((voter) => !voters.some((other) => sameReplica(other, voter)));
  const updated = voters.filter((voter) => isUpdate(current, voter));
  if (added.length + removed.length + updated.length !== 1) return 'NOT_ONE_VOTER';
  for (const voter of [...added, ...updated]) {
    if (!understands(voter.kraftVersions, core.kraftVersion.current)) return 'UNSUPPORTED_VERSION';
  }
  return added.every((voter) => isCaughtUp(core, leadership, voter)) ? null : 'NOT_CAUGHT_UP';
}

/** The same replica with another endpoint or version range (KIP-853, UpdateVoter). */
function isUpdate(current: readonly Voter[], voter: Voter): boolean {
  const before = current.find((other) => sameReplica(other, voter));
  if (before === undefined) return false;
  const sameEndpoint =
    before.endpoint.host === voter.endpoint.host && before.endpoint.port === voter.endpoint.port;
  const sameVersions =
    before.kraftVersions.min === voter.kraftVersions.min &&
    before.kraftVersions.max === voter.kraftVersions.max;
  return !sameEndpoint || !sameVersions;
}

/** A new voter counts at once, so that one far behind could stop the quorum (Raft thesis, 4.2.1). */
function isCaughtUp(core: CoreState, leadership: Leadership, voter: Voter): boolean {
  const caughtUpMs = progressOf(leadership, voter)?.lastCaughtUpMs ?? null;
  return caughtUpMs !== null && core.nowMs - caughtUpMs <= core.config.fetchTimeoutMs;
}

/**
 * Answers a committed change. A leader that is no longer a voter has led until here without counting
 * itself, and ends its reign now (Raft thesis, 4.2.2; KIP-853; KAFKA-16530).
 */
export function noteVoterChangeCommitted(core: CoreState, leadership: Leadership): void {
  const { pendingVoterChange } = leadership;
  if (pendingVoterChange !== null && pendingVoterChange.offset < core.highWatermark) {
    leadership.pendingVoterChange = null;
    const { requestId } = pendingVoterChange;
    core.effects.push({ type: 'voterChangeAnswered', requestId, error: null });
  }
  if (isVoter(core) || core.voterSets.isUncommitted(core.highWatermark)) return;
  resign(core, leadership, null);
}
