import { assert, assertDefined } from '../base/assert.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import type { Offset } from '../base/brands.ts';
import type { NodeId } from '../base/brands.ts';
import { noteEchoedRound } from './check-quorum.ts';
import { badMessage, type CoreState, send } from './core-state.ts';
import { advanceLeaderHighWatermark } from './high-watermark.ts';
import {
  type Leadership,
  newReplicaProgress,
  type ParkedFetch,
  progressOf,
  type ReplicaProgress,
} from './leadership.ts';
import { observersMax } from './limits.ts';
import type { FetchedRecords, FetchOutcome, FetchRequest, FetchResponse } from './messages.ts';
import type { ReplicaKey } from './replica-key.ts';
import type { SnapshotId } from './snapshot-id.ts';
import { becomeUnattached } from './transition.ts';

type Divergence = Extract<FetchOutcome, { kind: 'diverging' | 'snapshot' }>;
type FetchError = Extract<FetchOutcome, { kind: 'refused' }>['error'];

/**
 * The leader's side of fetching (KIP-595, KIP-630, KIP-1166; design 1). It takes the place of the paper's
 * AppendEntries: the consistency check is the epoch of the record before `fetchOffset`, and the answer to
 * an append is the next fetch.
 */
export function handleFetchRequest(core: CoreState, from: NodeId, request: FetchRequest): void {
  if (request.replica.id !== from) {
    badMessage(core, from, `fetches as node ${request.replica.id}`);
    return;
  }
  if (request.epoch > core.quorum.epoch) becomeUnattached(core, request.epoch);
  const { role } = core;
  if (request.epoch < core.quorum.epoch || role.name !== 'leader') {
    const isOld = request.epoch < core.quorum.epoch;
    refuse(core, from, request, isOld ? 'FENCED_LEADER_EPOCH' : 'NOT_LEADER_OR_FOLLOWER');
    return;
  }
  if (request.round > role.leadership.barriers.sentRound) {
    badMessage(core, from, `echoes round ${request.round}, which was never sent`);
    return;
  }
  serveFetch(core, role.leadership, request);
}

function refuse(core: CoreState, to: NodeId, request: FetchRequest, error: FetchError): void {
  respond(core, to, request.fetchId, { kind: 'refused', error });
}

function respond(core: CoreState, to: NodeId, fetchId: number, outcome: FetchOutcome): void {
  send(core, to, responseOf(core, fetchId, outcome));
}

function responseOf<Outcome extends FetchOutcome>(
  core: CoreState,
  fetchId: number,
  outcome: Outcome,
): FetchResponse & { readonly outcome: Outcome } {
  return {
    type: 'fetchResponse',
    clusterId: core.clusterId,
    epoch: core.quorum.epoch,
    leaderId: core.quorum.leaderId,
    fetchId,
    outcome,
  };
}

function serveFetch(core: CoreState, leadership: Leadership, request: FetchRequest): void {
  const progress = rememberReplica(core, leadership, request.replica);
  // A newer fetch of the same replica takes the place of its parked one, which gets no answer.
  progress.parked = null;
  const divergence = divergenceOf(core, request);
  if (divergence === null) noteMatchingFetch(core, leadership, progress, request);
  progress.lastFetchMs = core.nowMs;
  progress.space = request.space;
  noteEchoedRound(core, leadership, progress, request.round);
  // An acknowledgement may have committed this leader's own removal.
  if (core.role.name !== 'leader') {
    refuse(core, request.replica.id, request, 'NOT_LEADER_OR_FOLLOWER');
    return;
  }
  // The question was answered, and was sent again only to acknowledge a flush.
  if (progress.answeredFetchId === request.fetchId) return;
  if (divergence !== null) {
    progress.answeredFetchId = request.fetchId;
    respond(core, request.replica.id, request.fetchId, divergence);
    return;
  }
  const { fetchId, fetchOffset, highWatermark, round } = request;
  progress.parked = { fetchId, fetchOffset, highWatermark, round };
  // Answered at the end of this step if there is news for it, and parked if not.
  leadership.hasNews = true;
}

/**
 * The records before `fetchOffset` are the leader's own when the epoch of the last of them is (Raft paper,
 * 5.3, log matching). If not: where to truncate to, or which snapshot to take. Null when they match.
 */
function divergenceOf(core: CoreState, request: FetchRequest): Divergence | null {
  const { log } = core;
  const { fetchOffset, lastFetchedEpoch } = request;
  if (fetchOffset >= log.logStart.endOffset) {
    if (log.epochBefore(fetchOffset) === lastFetchedEpoch) return null;
    const end = log.endOfEpoch(lastFetchedEpoch);
    if (end !== null) return { kind: 'diverging', divergingEpoch: end.epoch, endOffset: end.endOffset };
    coverageMark('fetch: the logs have no epoch in common');
  }
  return { kind: 'snapshot', snapshotId: snapshotToOffer(core) };
}

/** A log that does not begin at 0 begins at a snapshot (KIP-630). */
function snapshotToOffer(core: CoreState): SnapshotId {
  const snapshotId = assertDefined(core.latestSnapshot, 'the log begins late and there is no snapshot');
  assert(snapshotId.endOffset >= core.log.logStart.endOffset, 'the snapshot ends before the log begins');
  return snapshotId;
}

/** Takes a fetch whose log matches as news of how far that replica is (design 1). */
function noteMatchingFetch(
  core: CoreState,
  leadership: Leadership,
  progress: ReplicaProgress,
  request: FetchRequest,
): void {
  const { fetchOffset, flushedOffset } = request;
  noteCaughtUp(core, progress, fetchOffset);
  progress.logEndOffset = fetchOffset;
  if (!core.voterSets.isVoter(request.replica)) return;
  const acknowledged = Math.min(flushedOffset, fetchOffset) as Offset;
  // A delayed fetch must not take back what a later one has acknowledged.
  if (acknowledged < progress.acknowledgedOffset) coverageMark('fetch: a delayed one acknowledges less');
  if (acknowledged <= progress.acknowledgedOffset) return;
  progress.acknowledgedOffset = acknowledged;
  advanceLeaderHighWatermark(core, leadership);
}

/** Caught up now, or at its last fetch if it has since reached where the leader's log ended then (Kafka). */
function noteCaughtUp(core: CoreState, progress: ReplicaProgress, fetchOffset: Offset): void {
  if (fetchOffset >= core.log.endOffset) progress.lastCaughtUpMs = core.nowMs;
  else if (fetchOffset >= progress.leaderEndAtLastFetch) progress.lastCaughtUpMs = progress.lastFetchMs;
  progress.leaderEndAtLastFetch = core.log.endOffset;
}

/** The progress of a replica; of observers only so many, and the longest silent one gives way. */
export function rememberReplica(core: CoreState, leadership: Leadership, key: ReplicaKey): ReplicaProgress {
  const known = progressOf(leadership, key);
  if (known !== null) return known;
  const { replicas } = leadership;
  const observers = replicas.filter((replica) => !core.voterSets.isVoter(replica.key));
  if (observers.length >= observersMax) {
    const silent = observers.reduce((oldest, other) =>
      (other.lastFetchMs ?? 0) < (oldest.lastFetchMs ?? 0) ? other : oldest,
    );
    replicas.splice(replicas.indexOf(silent), 1);
  }
  const progress = newReplicaProgress(key, core.nowMs);
  // Only who became a voter before this leader has the benefit of the doubt in check-quorum.
  progress.supportedAtMs = 0;
  replicas.push(progress);
  return progress;
}

/**
 * Answers every parked fetch for which there is news; runs at the end of a step that brought some.
 *
 * KIP-1166: a follower learns of a newer high watermark though there is no record for it. Under load the
 * next records are not far, and carry it: so the high watermark waits for them for a moment, and an answer,
 * and the fetch after it, are saved for each follower and batch.
 */
export function answerParkedFetches(core: CoreState, leadership: Leadership): void {
  if (!leadership.hasNews) return;
  leadership.hasNews = false;
  const { highWatermarkLingerMs } = core.config;
  const isDue = highWatermarkLingerMs === 0 || core.nowMs >= leadership.tellHighWatermarkAtMs;
  let isBehind = false;
  for (const progress of leadership.replicas) {
    if (progress.parked === null) continue;
    answerIfNews(core, leadership, progress, isDue);
    isBehind ||= progress.parked !== null && knowsLowerHighWatermark(core, progress.parked);
  }
  if (!isBehind) leadership.tellHighWatermarkAtMs = Number.POSITIVE_INFINITY;
  else if (leadership.tellHighWatermarkAtMs === Number.POSITIVE_INFINITY) {
    leadership.tellHighWatermarkAtMs = core.nowMs + highWatermarkLingerMs;
  }
}

/** As far as its own log reaches. */
function knowsLowerHighWatermark(core: CoreState, parked: ParkedFetch): boolean {
  return parked.highWatermark < Math.min(core.highWatermark, parked.fetchOffset);
}

function answerIfNews(
  core: CoreState,
  leadership: Leadership,
  progress: ReplicaProgress,
  isHighWatermarkDue: boolean,
): void {
  const parked = assertDefined(progress.parked, 'no fetch is parked');
  const hasRecords = progress.space !== 'exhausted' && parked.fetchOffset < core.log.endOffset;
  const hasHighWatermark = isHighWatermarkDue && knowsLowerHighWatermark(core, parked);
  // Only voters confirm a round: to wake observers for every read would multiply the leader's work.
  const isVoter = core.voterSets.isVoter(progress.key);
  const hasRound = parked.round < (isVoter ? leadership.barriers.round : leadership.tickRound);
  if (!hasRecords && !hasHighWatermark && !hasRound) return;
  progress.parked = null;
  progress.answeredFetchId = parked.fetchId;
  leadership.barriers.sentRound = leadership.barriers.round;
  const outcome: FetchedRecords = {
    kind: 'records',
    fetchOffset: parked.fetchOffset,
    highWatermark: core.highWatermark,
    logStartOffset: core.log.logStart.endOffset,
    logEndOffset: core.log.endOffset,
    epochStartOffset: leadership.epochStartOffset,
    round: leadership.barriers.round,
    batches: [],
  };
  if (!hasRecords) {
    respond(core, progress.key.id, parked.fetchId, outcome);
    return;
  }
  core.effects.push({
    type: 'sendLogRange',
    to: progress.key.id,
    response: responseOf(core, parked.fetchId, outcome),
    endOffset: core.log.endOffset,
    epoch: core.quorum.epoch,
    maxBytes: core.config.fetchBytesMax,
  });
}
