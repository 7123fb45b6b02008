import { assert } from '../base/assert.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import {
  advanceHighWatermark,
  advanceLogStart,
  emit,
  type FollowerRole,
  type ReplicaState,
} from './state.ts';
import { noEpoch } from './leader-epochs.ts';
import type { ProducedBatch } from './producer-state.ts';
import type { FetchAnswer } from './types.ts';

/** Sends the next fetch when it is due; one is outstanding at a time. */
export function fetchWhenDue(state: ReplicaState, role: FollowerRole): void {
  const { view, config, nowMs } = state;
  // A fetch would say that the new beginning is on disk.
  if (view === null || state.resetting !== null) return;
  if (role.fetch !== null && nowMs >= role.fetch.untilMs) role.fetch = null;
  if (role.fetch !== null || nowMs < role.nextFetchAtMs) return;
  const fetchId = state.nextId++;
  role.fetch = { fetchId, untilMs: nowMs + config.fetchTimeoutMs };
  emit(state, {
    type: 'sendFetch',
    fetchId,
    leader: view.leader,
    request: {
      brokerId: config.brokerId,
      brokerEpoch: state.brokerEpoch,
      currentLeaderEpoch: view.leaderEpoch,
      fetchOffset: state.logEndOffset,
      flushedOffset: state.flushedOffset,
      lastFetchedEpoch: state.epochs.epochBefore(state.logEndOffset),
    },
  });
}

/** A flush has finished: the leader learns of it by the next fetch, which takes the outstanding one's place. */
export function acknowledgeFlush(state: ReplicaState, role: FollowerRole): void {
  role.fetch = null;
  role.nextFetchAtMs = state.nowMs;
}

export function takeAnswer(
  state: ReplicaState,
  role: FollowerRole,
  fetchId: number,
  answer: FetchAnswer,
  produced: readonly ProducedBatch[],
): void {
  const { view, nowMs, config } = state;
  if (role.fetch?.fetchId !== fetchId || view === null) return;
  role.fetch = null;
  if (answer.kind === 'refused') {
    role.nextFetchAtMs = nowMs + config.retryBackoffMs;
    return;
  }
  role.nextFetchAtMs = nowMs;
  if (answer.leaderEpoch !== view.leaderEpoch) return;
  if (answer.kind === 'diverging') truncate(state, answer);
  else if (answer.kind === 'outOfRange') reset(state, answer.logStartOffset, answer.epochBefore);
  else append(state, answer, produced);
}

function append(
  state: ReplicaState,
  answer: Extract<FetchAnswer, { kind: 'records' }>,
  produced: readonly ProducedBatch[],
): void {
  // An answer to a fetch that was made before a truncation does not fit any more.
  if (answer.fetchOffset !== state.logEndOffset) return;
  const { endOffset, epochs, fetchOffset } = answer;
  if (endOffset > fetchOffset) {
    for (const { epoch, startOffset } of epochs) state.epochs.begin(epoch, startOffset);
    for (const batch of produced) state.producers.append(batch, state.highWatermark);
    state.logEndOffset = endOffset;
    const { generation } = state;
    emit(state, { type: 'append', baseOffset: fetchOffset, endOffset, epochs, produceId: null, generation });
  }
  // A follower's high watermark is bounded by its own log.
  advanceHighWatermark(state, Math.min(answer.highWatermark, state.logEndOffset));
  advanceLogStart(state, answer.logStartOffset);
}

/**
 * Nothing of the log can be of use to the leader's: it begins anew where the leader's does. Who is in sync, or eligible
 * to lead, is never told so while elections are clean: it holds all that is committed, and the leader's log begins
 * no higher.
 */
function reset(state: ReplicaState, logStartOffset: number, epochBefore: number): void {
  coverageMark('replica: begins its log anew');
  state.epochs.reset(logStartOffset, epochBefore);
  state.producers.reset(logStartOffset);
  state.truncatedTo = logStartOffset;
  state.logStartOffset = logStartOffset;
  state.logEndOffset = logStartOffset;
  state.flushedOffset = logStartOffset;
  state.highWatermark = logStartOffset;
  state.generation++;
  state.resetting = state.generation;
  emit(state, { type: 'reset', to: logStartOffset, epochBefore, generation: state.generation });
}

/**
 * Truncation, by the leader's word on epochs alone and never by a high watermark, which may be out of date
 * (KIP-101, KIP-279): up to where the newest epoch that both have ends in the shorter of the two logs.
 */
function truncate(state: ReplicaState, answer: Extract<FetchAnswer, { kind: 'diverging' }>): void {
  const own = state.epochs.endOf(answer.epoch, state.logEndOffset);
  const to = own.epoch === answer.epoch ? Math.min(own.endOffset, answer.endOffset) : own.endOffset;
  assert(to <= state.logEndOffset, 'a truncation only shortens a log');
  if (to === state.logEndOffset) return;
  if (to < state.logStartOffset) {
    // They part below what is left, and what is gone cannot be had back: all of it is fetched again.
    reset(state, 0, noEpoch);
    return;
  }
  coverageMark('replica: truncates');
  state.epochs.truncate(to);
  state.producers.truncate(to);
  state.truncatedTo = to;
  state.logEndOffset = to;
  state.flushedOffset = Math.min(state.flushedOffset, to);
  state.highWatermark = Math.min(state.highWatermark, to);
  state.generation++;
  const rebuildsProducers = !state.producers.isComplete;
  if (rebuildsProducers) coverageMark('replica: producers are rebuilt from the bytes');
  emit(state, { type: 'truncate', to, generation: state.generation, rebuildsProducers });
}
