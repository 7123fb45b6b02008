import { coverageMark } from '../base/coverage-marks.ts';
import { noEpoch } from './leader-epochs.ts';
import { replicationQuorum } from './isr.ts';
import {
  advanceHighWatermark,
  emit,
  isOwnLeadership,
  type LeaderRole,
  mayAct,
  type ReplicaState,
} from './state.ts';
import type { BatchProducer } from './producer-state.ts';
import type {
  FetchAnswer,
  FetchError,
  FetchRequest,
  PartitionView,
  ProduceError,
  ReplicaInput,
} from './types.ts';

type ProduceRequest = Extract<ReplicaInput, { type: 'produceRequested' }>;

/** Takes records in, or says why not. Only a leader that holds its lease promises anything. */
export function produce(state: ReplicaState, role: LeaderRole, request: ProduceRequest): void {
  const { view } = state;
  const { produceId, recordCount, producer } = request;
  if (view === null || !mayAct(state, role)) {
    coverageMark('produce: refused without a lease');
    return failProduce(state, produceId, 'NOT_LEADER_OR_FOLLOWER');
  }
  if (view.isr.length < view.minIsr) {
    coverageMark('produce: refused below min ISR');
    return failProduce(state, produceId, 'NOT_ENOUGH_REPLICAS');
  }
  if (producer !== null && !maySend(state, role, request, producer)) return;
  const baseOffset = state.logEndOffset;
  const endOffset = baseOffset + recordCount;
  const { generation } = state;
  if (producer !== null) state.producers.append({ ...producer, baseOffset, endOffset }, state.highWatermark);
  state.epochs.begin(view.leaderEpoch, baseOffset);
  state.logEndOffset = endOffset;
  role.produces.push({ produceId, baseOffset, endOffset });
  const epochs = [{ epoch: view.leaderEpoch, startOffset: baseOffset }];
  emit(state, { type: 'append', baseOffset, endOffset, epochs, produceId, generation });
}

/**
 * Whether a batch is the producer's next. One that stands in the log already waits for the high watermark as the
 * first did: until then it may be cut off again, whatever was acknowledged of it.
 */
function maySend(
  state: ReplicaState,
  role: LeaderRole,
  { produceId, recordCount }: ProduceRequest,
  producer: BatchProducer,
): boolean {
  if (!state.producers.isComplete) {
    failProduce(state, produceId, 'REPLICA_NOT_AVAILABLE');
    return false;
  }
  const verdict = state.producers.check(producer, recordCount);
  if (verdict.kind === 'next') return true;
  if (verdict.kind === 'refused') {
    coverageMark('produce: refused by its sequence');
    failProduce(state, produceId, verdict.error);
    return false;
  }
  const { baseOffset, endOffset } = verdict;
  if (endOffset > state.highWatermark) coverageMark('produce: a duplicate waits');
  else coverageMark('produce: a duplicate');
  const at = role.produces.findLastIndex((pending) => pending.endOffset <= endOffset);
  role.produces.splice(at + 1, 0, { produceId, baseOffset, endOffset });
  return false;
}

export function failProduce(state: ReplicaState, produceId: number, error: ProduceError): void {
  emit(state, { type: 'failProduce', produceId, error });
}

export function answerFetch(
  state: ReplicaState,
  role: LeaderRole | null,
  fetchId: number,
  request: FetchRequest,
): void {
  emit(state, { type: 'answerFetch', fetchId, answer: answerTo(state, role, request) });
}

function answerTo(state: ReplicaState, role: LeaderRole | null, request: FetchRequest): FetchAnswer {
  const { view } = state;
  if (role === null || view === null) return refused('NOT_LEADER_OR_FOLLOWER');
  if (!isOwnLeadership(state, role)) {
    coverageMark('replica: named as the leader that an earlier incarnation was');
    return refused('NOT_LEADER_OR_FOLLOWER');
  }
  const error = findFetchError(view, role, request);
  if (error !== null) return refused(error);
  const { leaderEpoch } = view;
  const { fetchOffset, lastFetchedEpoch } = request;
  const { logStartOffset } = state;
  const own = state.epochs.endOf(lastFetchedEpoch, state.logEndOffset);
  const isEmpty = fetchOffset === logStartOffset && lastFetchedEpoch === noEpoch;
  if (fetchOffset < logStartOffset) {
    coverageMark("replica: a follower's log is of no use");
    const epochBefore = state.epochs.epochBefore(logStartOffset);
    return { kind: 'outOfRange', leaderEpoch, logStartOffset, epochBefore };
  }
  if (!isEmpty && (own.epoch !== lastFetchedEpoch || own.endOffset < fetchOffset)) {
    coverageMark("replica: a follower's log diverges");
    return { kind: 'diverging', leaderEpoch, epoch: own.epoch, endOffset: own.endOffset };
  }
  noteProgress(state, role, request);
  raiseHighWatermark(state, role);
  const endOffset = Math.min(state.logEndOffset, fetchOffset + state.config.fetchRecordsMax);
  return {
    kind: 'records',
    leaderEpoch,
    fetchOffset,
    endOffset,
    epochs: state.epochs.between(fetchOffset, endOffset),
    highWatermark: state.highWatermark,
    logStartOffset,
  };
}

function refused(error: FetchError): FetchAnswer {
  return { kind: 'refused', error };
}

function findFetchError(view: PartitionView, role: LeaderRole, request: FetchRequest): FetchError | null {
  if (request.currentLeaderEpoch < view.leaderEpoch) return 'FENCED_LEADER_EPOCH';
  if (request.currentLeaderEpoch > view.leaderEpoch) return 'UNKNOWN_LEADER_EPOCH';
  if (!view.replicas.includes(request.brokerId)) return 'REPLICA_NOT_AVAILABLE';
  const known = role.followers.get(request.brokerId)?.brokerEpoch ?? noEpoch;
  const registered = view.eligible.get(request.brokerId) ?? noEpoch;
  if (request.brokerEpoch >= Math.max(known, registered)) return null;
  coverageMark('replica: an earlier incarnation fetches');
  return 'STALE_BROKER_EPOCH';
}

/** The fetch proves that the follower's log equals the leader's up to `fetchOffset`; on disk, to `flushedOffset`. */
function noteProgress(state: ReplicaState, role: LeaderRole, request: FetchRequest): void {
  const { brokerId, brokerEpoch, fetchOffset } = request;
  const { nowMs, logEndOffset } = state;
  const flushedOffset = Math.min(request.flushedOffset, fetchOffset);
  const before = role.followers.get(brokerId);
  const isSame = before !== undefined && before.brokerEpoch === brokerEpoch;
  // Kafka's rule: caught up now, or as of the last fetch if it has by now what there was then.
  const caughtUpMs =
    flushedOffset >= logEndOffset
      ? nowMs
      : before !== undefined && flushedOffset >= before.leaderEndAtLastFetch
        ? before.lastFetchMs
        : role.becameLeaderMs;
  role.followers.set(brokerId, {
    brokerEpoch,
    fetchOffset,
    flushedOffset: isSame ? Math.max(before.flushedOffset, flushedOffset) : flushedOffset,
    lastFetchMs: nowMs,
    leaderEndAtLastFetch: logEndOffset,
    lastCaughtUpMs: Math.max(before?.lastCaughtUpMs ?? role.becameLeaderMs, caughtUpMs),
  });
}

/**
 * The high watermark is the least flushed end over the committed and the proposed ISR. It stands still while
 * the committed ISR is below min ISR, and while the broker must take itself for fenced (protocols 1).
 */
export function raiseHighWatermark(state: ReplicaState, role: LeaderRole): void {
  const { view, config } = state;
  if (view === null || !mayAct(state, role) || view.isr.length < view.minIsr) return;
  let least = state.flushedOffset;
  for (const member of replicationQuorum(view, role)) {
    if (member === config.brokerId) continue;
    const progress = role.followers.get(member);
    if (progress === undefined) return;
    least = Math.min(least, progress.flushedOffset);
  }
  advanceHighWatermark(state, least);
  completeProduces(state, role);
}

function completeProduces(state: ReplicaState, role: LeaderRole): void {
  for (;;) {
    const first = role.produces[0];
    if (first === undefined || first.endOffset > state.highWatermark) return;
    role.produces.shift();
    emit(state, { type: 'completeProduce', produceId: first.produceId, baseOffset: first.baseOffset });
  }
}
