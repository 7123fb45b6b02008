import type { NodeId } from '../base/brands.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import { badMessage, type CoreState, isLocal, mayCampaign, send } from './core-state.ts';
import { backoffDoublingsMax } from './limits.ts';
import type { EndQuorumEpochRequest, EndQuorumEpochResponse } from './messages.ts';
import {
  becomeUnattached,
  noteEpochEnded,
  noteEpochOf,
  randomElectionDeadlineMs,
  seekElection,
} from './transition.ts';

/**
 * The leader goes: the first of its successors seeks election at once, the others give it a head start
 * that grows with their place (KIP-595). Only the leader itself can end its epoch.
 */
export function handleEndQuorumEpochRequest(
  core: CoreState,
  from: NodeId,
  request: EndQuorumEpochRequest,
): void {
  if (request.leader.id !== from) {
    badMessage(core, from, `ends an epoch as node ${request.leader.id}`);
    return;
  }
  if (request.epoch > core.quorum.epoch) becomeUnattached(core, request.epoch);
  if (request.epoch === core.quorum.epoch) {
    const { leaderId } = core.quorum;
    if (leaderId !== null && leaderId !== from) {
      badMessage(core, from, `ends epoch ${request.epoch}, which node ${leaderId} leads`);
      return;
    }
    succeed(core, request);
  }
  send(core, from, {
    type: 'endQuorumEpochResponse',
    clusterId: core.clusterId,
    epoch: core.quorum.epoch,
    leaderId: core.quorum.leaderId,
  });
}

function succeed(core: CoreState, request: EndQuorumEpochRequest): void {
  const { name } = core.role;
  // A repetition must not put an election off that has begun. A refused fetch may have said before that the epoch
  // has ended, and does not say who comes next: the first successor would wait with all others.
  if (name === 'leader' || name === 'resigned' || core.successionEpoch === request.epoch) {
    coverageMark('end of epoch: a repetition');
    return;
  }
  core.successionEpoch = request.epoch;
  if (name === 'prospective' || name === 'candidate') {
    coverageMark('end of epoch: an election has begun already');
    // It seeks election already; a candidate of this epoch is none that this leader led.
    core.endedEpoch = request.epoch;
    if (core.quorum.leaderId === null) return;
  }
  const place = request.preferredSuccessors.findIndex((successor) => isLocal(core, successor));
  if (place < 0) {
    noteEpochEnded(core, randomElectionDeadlineMs(core));
    return;
  }
  noteEpochEnded(core, core.nowMs + headStartMs(core, place));
  if (place > 0 || !mayCampaign(core)) {
    coverageMark('end of epoch: a successor waits its turn');
    return;
  }
  seekElection(core);
}

function headStartMs(core: CoreState, place: number): number {
  if (place === 0) return 0;
  const { retryBackoffMs, electionBackoffMaxMs } = core.config;
  const steps = 1 << Math.min(place, backoffDoublingsMax);
  const pauseMs = retryBackoffMs * steps + core.random.integer(retryBackoffMs);
  return Math.min(pauseMs, electionBackoffMaxMs);
}

export function handleEndQuorumEpochResponse(
  core: CoreState,
  from: NodeId,
  response: EndQuorumEpochResponse,
): void {
  noteEpochOf(core, response.epoch, response.leaderId);
  const { role } = core;
  if (role.name !== 'resigned' || response.epoch !== core.quorum.epoch) return;
  role.unanswered = role.unanswered.filter((voterId) => voterId !== from);
}
