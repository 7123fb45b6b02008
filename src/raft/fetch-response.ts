import type { NodeId } from '../base/brands.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import { appendToLog, truncateLog } from './append.ts';
import type { LogBatch } from './batch.ts';
import { badMessage, type CoreState, isVoter, send } from './core-state.ts';
import { beginDownload, noteLeaderAnswer } from './download-snapshot.ts';
import { advanceFollowerHighWatermark } from './high-watermark.ts';
import type { FetchedRecords, FetchOutcome, FetchResponse } from './messages.ts';
import { noteLeaderLogEnd } from './recovering.ts';
import { type Follower, putOffFetch } from './role.ts';
import { noteEpochEnded, noteEpochOf } from './transition.ts';

type Diverging = Extract<FetchOutcome, { kind: 'diverging' }>;

/** The follower's side of fetching (KIP-595; design 1). */
export function handleFetchResponse(core: CoreState, from: NodeId, response: FetchResponse): void {
  noteEpochOf(core, response.epoch, response.leaderId);
  const { role } = core;
  if (role.name !== 'follower' || role.leaderId !== from || response.epoch !== core.quorum.epoch) return;
  // The log is about to be replaced, or a snapshot comes instead of records.
  if (core.installation !== null || core.download !== null) return;
  if (response.fetchId < role.firstFetchId || response.fetchId >= core.nextFetchId) return;
  const { outcome } = response;
  if (outcome.kind === 'records') {
    takeRecords(core, role, from, response, outcome);
    return;
  }
  // Every other answer tells of the log as it was when the question was asked: a late one would truncate
  // what has been fetched, and acknowledged, since.
  if (role.question?.fetchId !== response.fetchId) {
    coverageMark('fetch: a late answer tells of an earlier log');
    return;
  }
  if (outcome.kind === 'refused') noteRefused(core, role, response);
  else if (outcome.kind === 'diverging') truncateToMatch(core, role, from, outcome);
  else beginDownload(core, role, from, outcome.snapshotId);
}

/**
 * Records that begin at the log's end continue it, because they were asked for with the epoch before them
 * and this leader's log only grows (Raft paper, 5.3). All others are repetitions or come too late.
 */
function takeRecords(
  core: CoreState,
  role: Follower,
  from: NodeId,
  response: FetchResponse,
  records: FetchedRecords,
): void {
  if (records.fetchOffset !== core.log.endOffset) {
    coverageMark('fetch: records do not continue the log');
    return;
  }
  const reason = faultOf(core, response, records);
  if (reason !== null) {
    badMessage(core, from, reason);
    return;
  }
  noteLeaderAnswer(core, role);
  if (records.round > role.round) role.round = records.round;
  if (records.batches.length > 0) appendToLog(core, records.batches);
  advanceFollowerHighWatermark(core, records.highWatermark);
  noteLeaderLogEnd(core, records);
  role.question = null;
  // A fetch at once would acknowledge nothing, and another one would follow with the flush.
  role.isAwaitingFlush = records.batches.length > 0 && isVoter(core) && core.config.fetchLingerMs > 0;
  role.nextFetchMs = core.nowMs + (role.isAwaitingFlush ? core.config.fetchLingerMs : 0);
}

/** What is wrong with the records of an answer; null when they continue the log as a leader's records do. */
function faultOf(core: CoreState, response: FetchResponse, records: FetchedRecords): string | null {
  let endOffset: number = core.log.endOffset;
  let { lastEpoch } = core.log;
  for (const batch of records.batches) {
    if (batch.baseOffset !== endOffset) return `a batch at ${batch.baseOffset} where ${endOffset} is due`;
    if (batch.epoch < lastEpoch) return `a batch of epoch ${batch.epoch} after epoch ${lastEpoch}`;
    if (batch.epoch > response.epoch) return `a batch of epoch ${batch.epoch} from epoch ${response.epoch}`;
    if (!isWellFormed(batch)) return `a malformed batch at ${batch.baseOffset}`;
    endOffset += batch.recordCount;
    lastEpoch = batch.epoch;
  }
  return endOffset <= records.logEndOffset ? null : 'records beyond the stated log end';
}

function isWellFormed(batch: LogBatch): boolean {
  if (!Number.isSafeInteger(batch.recordCount) || batch.recordCount < 1) return false;
  if (batch.body.form !== 'encoded') return false;
  if (batch.kind === 'data') return true;
  if (batch.records.length !== batch.recordCount) return false;
  return batch.records.every(
    (record) =>
      record.type !== 'KRaftVoters' ||
      (record.voters.length > 0 &&
        new Set(record.voters.map((voter) => voter.id)).size === record.voters.length),
  );
}

/** The node that was asked does not lead this epoch any more, and nobody else does. */
function noteRefused(core: CoreState, role: Follower, response: FetchResponse): void {
  if (response.leaderId === null) {
    coverageMark('fetch: the leader has ended its reign');
    noteEpochEnded(core, core.nowMs + core.random.integer(core.config.electionTimeoutMs));
    return;
  }
  role.question = null;
  putOffFetch(role, core.nowMs + core.config.retryBackoffMs);
}

/**
 * The logs part ways: truncate to where the leader's log and this one last agree at most (KIP-595). What
 * is known to be committed is never truncated; a leader that wants it is not a correct one.
 */
function truncateToMatch(core: CoreState, role: Follower, from: NodeId, diverging: Diverging): void {
  const own = core.log.endOfEpoch(diverging.divergingEpoch);
  if (own === null) {
    badMessage(core, from, `diverges at epoch ${diverging.divergingEpoch}, before this log's start`);
    return;
  }
  const isShared = own.epoch === diverging.divergingEpoch;
  const to = isShared && diverging.endOffset < own.endOffset ? diverging.endOffset : own.endOffset;
  if (!isShared) coverageMark("truncate: the leader's epoch is not in this log");
  if (to < core.highWatermark || to >= core.log.endOffset) {
    badMessage(core, from, `wants the log truncated to ${to}`);
    return;
  }
  noteLeaderAnswer(core, role);
  truncateLog(core, to);
  role.question = null;
  putOffFetch(role, core.nowMs);
}

/** Asks the leader for what comes next, once the last question is answered and nothing forbids it. */
export function sendDueFetch(core: CoreState, role: Follower): void {
  if (role.question !== null || core.nowMs < role.nextFetchMs || !mayFetch(core)) return;
  const fetchId = core.nextFetchId;
  core.nextFetchId += 1;
  role.question = { fetchId, fetchOffset: core.log.endOffset, sentMs: core.nowMs };
  role.isAwaitingFlush = false;
  sendQuestion(core, role.leaderId, fetchId, role.round);
}

/**
 * A flush has completed: the fetch that was held back for it, or the same question once more, with the new
 * acknowledgement. It has the same number, so that a leader that has answered it does not send the same
 * records twice.
 */
export function acknowledgeFlush(core: CoreState): void {
  const { role } = core;
  if (role.name !== 'follower' || !isVoter(core) || core.installation !== null) return;
  if (role.question === null) {
    if (role.isAwaitingFlush) role.nextFetchMs = core.nowMs;
    acknowledgeWithoutQuestion(core, role);
    return;
  }
  if (role.question.fetchOffset !== core.log.endOffset) return;
  sendQuestion(core, role.leaderId, role.question.fetchId, role.round);
}

/** Nothing may be fetched now: the last fetch, which has its answer, is repeated for its acknowledgement alone. */
function acknowledgeWithoutQuestion(core: CoreState, role: Follower): void {
  const lastFetchId = core.nextFetchId - 1;
  if (mayFetch(core) || core.download !== null || lastFetchId < role.firstFetchId) return;
  coverageMark('fetch: repeated for its acknowledgement alone');
  sendQuestion(core, role.leaderId, lastFetchId, role.round);
}

export function mayFetch(core: CoreState): boolean {
  if (core.installation !== null || core.download !== null) return false;
  // A disk slower than the leader would fill the memory.
  return core.log.unflushedBytes <= core.config.pendingBytesMax;
}

/** Asks `to`, the leader or someone who may know it, with all that a leader needs to judge this log. */
export function sendQuestion(core: CoreState, to: NodeId, fetchId: number, round: number): void {
  send(core, to, {
    type: 'fetchRequest',
    clusterId: core.clusterId,
    epoch: core.quorum.epoch,
    replica: core.local,
    fetchOffset: core.log.endOffset,
    lastFetchedEpoch: core.log.lastEpoch,
    flushedOffset: core.log.flushedOffset,
    highWatermark: core.highWatermark,
    round,
    fetchId,
    space: core.space,
  });
}
