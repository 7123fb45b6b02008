import { assertDefined } from '../base/assert.ts';
import type { NodeId } from '../base/brands.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import { badMessage, type CoreState, isLocal, send } from './core-state.ts';
import { type Leadership, progressOf } from './leadership.ts';
import type { BeginQuorumEpochRequest, BeginQuorumEpochResponse } from './messages.ts';
import { sameReplica, type Voter } from './replica-key.ts';
import { becomeFollower, noteEpochOf } from './transition.ts';

/** Makes a new leader known to all other voters at once (KIP-595). */
export function sendBeginQuorumEpoch(core: CoreState, leadership: Leadership): void {
  for (const voter of core.voterSets.voters) {
    if (!isLocal(core, voter)) sendBegin(core, leadership, voter);
  }
}

/** Voters that have not fetched for half a fetch timeout are told again (KIP-595). */
export function repeatBeginQuorumEpoch(core: CoreState, leadership: Leadership): void {
  const pauseMs = Math.trunc(core.config.fetchTimeoutMs / 2);
  for (const voter of core.voterSets.voters) {
    if (isLocal(core, voter)) continue;
    const progress = progressOf(leadership, voter);
    const sentMs = progress?.beginQuorumEpochSentMs ?? 0;
    const lastSignMs = Math.max(progress?.lastFetchMs ?? 0, sentMs);
    if (core.nowMs - lastSignMs >= pauseMs) sendBegin(core, leadership, voter);
  }
}

function sendBegin(core: CoreState, leadership: Leadership, voter: Voter): void {
  const { id, directoryId } = voter;
  const key = { id, directoryId };
  // It began with all voters of its time, and who becomes one has fetched from it before.
  const progress = assertDefined(progressOf(leadership, key), 'a leader knows how far every voter is');
  progress.beginQuorumEpochSentMs = core.nowMs;
  send(core, id, {
    type: 'beginQuorumEpochRequest',
    clusterId: core.clusterId,
    epoch: core.quorum.epoch,
    leader: core.local,
    voter: key,
  });
}

/** A leader of this epoch or of a higher one is followed (Raft paper, 5.2; KIP-595). */
export function handleBeginQuorumEpochRequest(
  core: CoreState,
  from: NodeId,
  request: BeginQuorumEpochRequest,
): void {
  if (request.leader.id !== from || sameReplica(request.leader, core.local)) {
    badMessage(core, from, `begins an epoch as node ${request.leader.id}`);
    return;
  }
  // KIP-853: meant for whoever stood on another disk.
  if (!isLocal(core, request.voter)) return;
  const { epoch, leaderId } = core.quorum;
  if (request.epoch === epoch && leaderId !== null && leaderId !== from) {
    badMessage(core, from, `claims epoch ${epoch}, which node ${leaderId} leads`);
    return;
  }
  if (shouldFollow(core, request)) becomeFollower(core, request.epoch, from);
  send(core, from, {
    type: 'beginQuorumEpochResponse',
    clusterId: core.clusterId,
    epoch: core.quorum.epoch,
    leaderId: core.quorum.leaderId,
  });
}

function shouldFollow(core: CoreState, request: BeginQuorumEpochRequest): boolean {
  const { epoch } = core.quorum;
  if (request.epoch !== epoch) return request.epoch > epoch;
  // Nobody leads an epoch twice: a late message of a leader that has gone brings it not back.
  if (core.endedEpoch === epoch) {
    coverageMark('begin of epoch: its leader has gone already');
    return false;
  }
  const { name } = core.role;
  return name === 'unattached' || name === 'prospective' || name === 'candidate';
}

export function handleBeginQuorumEpochResponse(
  core: CoreState,
  _from: NodeId,
  response: BeginQuorumEpochResponse,
): void {
  noteEpochOf(core, response.epoch, response.leaderId);
}
