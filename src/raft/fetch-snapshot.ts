import type { NodeId } from '../base/brands.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import { creditReplica } from './check-quorum.ts';
import { badMessage, type CoreState, send } from './core-state.ts';
import { rememberReplica } from './fetch.ts';
import type { Leadership, ReplicaProgress } from './leadership.ts';
import type { FetchSnapshotRequest, FetchSnapshotResponse } from './messages.ts';
import { becomeUnattached } from './transition.ts';

type SnapshotError = Extract<FetchSnapshotResponse['outcome'], { kind: 'refused' }>['error'];

/** The leader's side of taking a snapshot: the shell reads the bytes and fills the answer (KIP-630). */
export function handleFetchSnapshotRequest(
  core: CoreState,
  from: NodeId,
  request: FetchSnapshotRequest,
): void {
  if (request.replica.id !== from) {
    badMessage(core, from, `fetches a snapshot as node ${request.replica.id}`);
    return;
  }
  if (request.epoch > core.quorum.epoch) becomeUnattached(core, request.epoch);
  const { role } = core;
  const error = refusal(core, request);
  if (error !== null || role.name !== 'leader') {
    refuse(core, from, request, error ?? 'NOT_LEADER_OR_FOLLOWER');
    return;
  }
  const { leadership } = role;
  noteSnapshotFetch(core, leadership, rememberReplica(core, leadership, request.replica), request);
  core.effects.push({
    type: 'sendSnapshotChunk',
    to: from,
    response: {
      type: 'fetchSnapshotResponse',
      clusterId: core.clusterId,
      epoch: core.quorum.epoch,
      leaderId: core.quorum.leaderId,
      snapshotId: request.snapshotId,
    },
    position: request.position,
    maxBytes: Math.min(request.maxBytes, core.config.snapshotChunkBytesMax),
  });
}

function refusal(core: CoreState, request: FetchSnapshotRequest): SnapshotError | null {
  if (request.epoch < core.quorum.epoch) return 'FENCED_LEADER_EPOCH';
  if (core.role.name !== 'leader') return 'NOT_LEADER_OR_FOLLOWER';
  const latest = core.latestSnapshot;
  // The shell may still hold earlier ones for those who have begun; later ones cannot exist.
  const exists = latest !== null && request.snapshotId.endOffset <= latest.endOffset;
  return exists ? null : 'SNAPSHOT_NOT_FOUND';
}

function refuse(core: CoreState, to: NodeId, request: FetchSnapshotRequest, error: SnapshotError): void {
  send(core, to, {
    type: 'fetchSnapshotResponse',
    clusterId: core.clusterId,
    epoch: core.quorum.epoch,
    leaderId: core.quorum.leaderId,
    snapshotId: request.snapshotId,
    outcome: { kind: 'refused', error },
  });
}

/**
 * A replica that takes a long snapshot does not fetch, and follows the leader all the same. That it asks
 * for a later position shows that it has heard the answer to the question before (check-quorum).
 */
function noteSnapshotFetch(
  core: CoreState,
  leadership: Leadership,
  progress: ReplicaProgress,
  request: FetchSnapshotRequest,
): void {
  const { position, snapshotId } = request;
  const before = progress.snapshotProgress;
  progress.lastFetchMs = core.nowMs;
  progress.parked = null;
  const goesOn = before !== null && before.endOffset === snapshotId.endOffset && position > before.position;
  if (goesOn) {
    coverageMark('check-quorum: a download supports the leader');
    creditReplica(core, leadership, progress, before.askedMs);
  }
  progress.snapshotProgress = { endOffset: snapshotId.endOffset, position, askedMs: core.nowMs };
}
