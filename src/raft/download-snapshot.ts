import type { NodeId } from '../base/brands.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import { badMessage, type CoreState, send, takeIoId } from './core-state.ts';
import { raiseHighWatermark } from './high-watermark.ts';
import type { Input } from './inputs.ts';
import { backoffDoublingsMax, quarterOfFetchTimeoutMs, snapshotPauseMaxMs } from './limits.ts';
import type { FetchSnapshotResponse } from './messages.ts';
import { type Follower, putOffFetch } from './role.ts';
import type { RefusedSnapshot, SnapshotDownload, SnapshotInstallation } from './snapshot-download.ts';
import type { SnapshotId } from './snapshot-id.ts';
import { noteEpochEnded, noteEpochOf } from './transition.ts';

type Chunk = Extract<FetchSnapshotResponse['outcome'], { kind: 'chunk' }>;

/**
 * The follower is behind the leader's log start, or its log is older than it: it takes the snapshot
 * instead (KIP-630). An older snapshot never replaces newer state.
 */
export function beginDownload(core: CoreState, role: Follower, from: NodeId, snapshotId: SnapshotId): void {
  if (snapshotId.endOffset <= core.highWatermark) {
    badMessage(core, from, `offers a snapshot that ends at ${snapshotId.endOffset}`);
    return;
  }
  if (snapshotId.epoch > core.quorum.epoch) {
    badMessage(core, from, `offers a snapshot of epoch ${snapshotId.epoch} in epoch ${core.quorum.epoch}`);
    return;
  }
  noteLeaderAnswer(core, role);
  role.question = null;
  if (core.space === 'exhausted' || isPaused(core, from, snapshotId)) {
    coverageMark('snapshot: a download is put off');
    // The leader is asked all the same, for its rounds and to see that it lives.
    putOffFetch(role, core.nowMs + quarterOfFetchTimeoutMs(core.config));
    return;
  }
  core.download = {
    snapshotId,
    leaderId: from,
    leaderEpoch: core.quorum.epoch,
    position: 0,
    askedMs: null,
    storing: null,
  };
}

/** This snapshot of this leader did not verify, and its pause lasts. */
function isPaused(core: CoreState, leaderId: NodeId, snapshotId: SnapshotId): boolean {
  const refused = refusedBefore(core, leaderId, snapshotId);
  return refused !== null && core.nowMs < refused.notBeforeMs;
}

function refusedBefore(core: CoreState, leaderId: NodeId, snapshotId: SnapshotId): RefusedSnapshot | null {
  const refused = core.refusedSnapshot;
  if (refused === null || refused.leaderId !== leaderId) return null;
  return isSame(refused.snapshotId, snapshotId) ? refused : null;
}

function noteSnapshotRefused(core: CoreState, { leaderId, snapshotId }: SnapshotInstallation): void {
  coverageMark('snapshot: one that does not verify is refused');
  const times = (refusedBefore(core, leaderId, snapshotId)?.times ?? 0) + 1;
  const doublings = Math.min(times - 1, backoffDoublingsMax);
  const pauseMs = Math.min(core.config.fetchTimeoutMs * (1 << doublings), snapshotPauseMaxMs);
  core.refusedSnapshot = { leaderId, snapshotId, times, notBeforeMs: core.nowMs + pauseMs };
}

/** The leader has answered well: it is alive, and elections lost are forgotten. */
export function noteLeaderAnswer(core: CoreState, role: Follower): void {
  role.lastAnswerMs = core.nowMs;
  role.suspectsLeader = false;
  role.fetchDeadlineMs = core.nowMs + core.config.fetchTimeoutMs;
  core.lastContactMs = core.nowMs;
  core.lostElections = 0;
}

/** Asks for the chunk at the download's position, unless it was asked for or the last one is being stored. */
export function askForDueChunk(core: CoreState): void {
  const { download } = core;
  if (download === null || download.storing !== null || download.askedMs !== null) return;
  download.askedMs = core.nowMs;
  send(core, download.leaderId, {
    type: 'fetchSnapshotRequest',
    clusterId: core.clusterId,
    epoch: core.quorum.epoch,
    replica: core.local,
    snapshotId: download.snapshotId,
    position: download.position,
    maxBytes: core.config.snapshotChunkBytesMax,
  });
}

export function handleFetchSnapshotResponse(
  core: CoreState,
  from: NodeId,
  response: FetchSnapshotResponse,
): void {
  noteEpochOf(core, response.epoch, response.leaderId);
  const { role, download } = core;
  if (role.name !== 'follower' || role.leaderId !== from || response.epoch !== core.quorum.epoch) return;
  if (download === null || download.storing !== null || !isSame(download.snapshotId, response.snapshotId)) {
    return;
  }
  const { outcome } = response;
  if (outcome.kind === 'chunk') {
    takeChunk(core, role, download, outcome);
    return;
  }
  if (outcome.error === 'NOT_LEADER_OR_FOLLOWER' && response.leaderId === null) {
    coverageMark('snapshot: its leader ends its reign');
    core.download = null;
    noteEpochEnded(core, core.nowMs + core.random.integer(core.config.electionTimeoutMs));
    return;
  }
  abandonDownload(core, role);
}

function takeChunk(core: CoreState, role: Follower, download: SnapshotDownload, chunk: Chunk): void {
  // A repetition, or an answer to an earlier question.
  if (chunk.position !== download.position) {
    coverageMark('snapshot: a chunk of another position');
    return;
  }
  if (chunk.bytes.length === 0 && !chunk.last) return;
  noteLeaderAnswer(core, role);
  const ioId = takeIoId(core);
  const { snapshotId, position } = download;
  const { bytes, last } = chunk;
  download.storing = { ioId, endPosition: position + bytes.length, last };
  download.askedMs = null;
  core.effects.push({ type: 'storeSnapshotChunk', ioId, snapshotId, position, bytes, last });
}

/** Fetches again, and so learns which snapshot there is now; chunks at position 0 begin a new stream. */
function abandonDownload(core: CoreState, role: Follower): void {
  coverageMark('snapshot: the leader has it no more');
  core.download = null;
  role.question = null;
  putOffFetch(role, core.nowMs + core.config.retryBackoffMs);
}

export function handleSnapshotChunkStored(
  core: CoreState,
  input: Extract<Input, { type: 'snapshotChunkStored' }>,
): void {
  const { download } = core;
  const storing = download?.storing ?? null;
  if (download === null || storing === null || storing.ioId !== input.ioId) return;
  download.storing = null;
  download.position = storing.endPosition;
  if (!storing.last) return;
  core.download = null;
  // Whoever seeks election in between keeps its log; it will ask again when it follows somebody.
  if (core.role.name !== 'follower') {
    coverageMark('snapshot: whole, and nobody is followed any more');
    return;
  }
  const ioId = takeIoId(core);
  core.installation = { ioId, snapshotId: download.snapshotId, leaderId: download.leaderId };
  core.effects.push({ type: 'installSnapshot', ioId, snapshotId: download.snapshotId });
}

/** The snapshot has replaced log and state: everything below its end is committed (KIP-630). */
export function handleSnapshotInstalled(
  core: CoreState,
  input: Extract<Input, { type: 'snapshotInstalled' }>,
): void {
  const { installation } = core;
  if (installation === null || installation.ioId !== input.ioId) return;
  core.installation = null;
  if (input.snapshot === null) {
    noteSnapshotRefused(core, installation);
    return;
  }
  core.refusedSnapshot = null;
  const { snapshotId } = installation;
  core.log.resetTo(snapshotId);
  core.voterSets.resetTo({ offset: snapshotId.endOffset, voters: input.snapshot.voters });
  core.kraftVersion.resetTo(input.snapshot.kraftVersion);
  core.latestSnapshot = snapshotId;
  core.appliedOffset = snapshotId.endOffset;
  core.applyOffset = snapshotId.endOffset;
  if (snapshotId.endOffset > core.highWatermark) raiseHighWatermark(core, snapshotId.endOffset);
}

function isSame(left: SnapshotId, right: SnapshotId): boolean {
  return left.endOffset === right.endOffset && left.epoch === right.epoch;
}
