import type { RecordBatchHeader } from '../codec/record-batch/header.ts';
import { recordBatchEndOffset } from '../codec/record-batch/header.ts';
import type { LeaderEpochEntry } from '../replica/leader-epochs.ts';
import type { BatchProducer, ProducedBatch } from '../replica/producer-state.ts';

/** What a replica is told of batches, as their own bytes say. Null: produced without idempotence. */
export function batchProducerOf({
  producerId,
  producerEpoch,
  baseSequence,
}: RecordBatchHeader): BatchProducer | null {
  return producerId < 0 ? null : { producerId, producerEpoch, baseSequence };
}

/** The batch where it stands, as a list that is empty where it has no producer. */
export function producedIn(header: RecordBatchHeader): readonly ProducedBatch[] {
  const producer = batchProducerOf(header);
  if (producer === null) return [];
  return [{ ...producer, baseOffset: header.baseOffset, endOffset: recordBatchEndOffset(header) }];
}

/** Which leader wrote what of batches that stand one behind another. */
export function epochsOf(headers: readonly RecordBatchHeader[]): readonly LeaderEpochEntry[] {
  const entries: LeaderEpochEntry[] = [];
  for (const { partitionLeaderEpoch: epoch, baseOffset: startOffset } of headers) {
    if (entries.at(-1)?.epoch !== epoch) entries.push({ epoch, startOffset });
  }
  return entries;
}

/**
 * Why batches of a leader do not continue a follower's log at `fetchOffset`, where `lastEpoch` wrote what stands
 * before, under a leadership of `leaderEpoch`; null where they do.
 */
export function findGap(
  headers: readonly RecordBatchHeader[],
  log: { readonly fetchOffset: number; readonly lastEpoch: number; readonly leaderEpoch: number },
): string | null {
  let { fetchOffset: next, lastEpoch } = log;
  for (const header of headers) {
    const { baseOffset, partitionLeaderEpoch } = header;
    if (baseOffset !== next) return `a batch at ${baseOffset} follows ${next}`;
    if (partitionLeaderEpoch < lastEpoch || partitionLeaderEpoch > log.leaderEpoch) {
      return `a batch of epoch ${partitionLeaderEpoch} follows one of ${lastEpoch} under ${log.leaderEpoch}`;
    }
    next = recordBatchEndOffset(header);
    lastEpoch = partitionLeaderEpoch;
  }
  return null;
}
