import type { Offset } from '../../base/brands.ts';
import type { MetadataRecord } from '../../metadata/registry.ts';
import { shownRecord } from '../../metadata/shown-record.ts';
import { batchEndOffset, type LogBatch } from '../../raft/batch.ts';
import type { LoggedTransactions, Stretch } from '../log/transaction-index.ts';
import type { BatchRecords } from './batch-records.ts';
import type { WatchDelta, WatchRecord } from './watch-api.ts';

/** What was read of a stretch of the log, as those who watch get it. Throws when a batch cannot be read. */
export function* deltasOf(
  batches: readonly LogBatch[],
  stretch: Stretch,
  transactions: LoggedTransactions,
  records: Pick<BatchRecords, 'take'>,
): Generator<{ readonly delta: WatchDelta; readonly bytes: number }, void, undefined> {
  for (const batch of batches) {
    const delta = deltaOf(batch, records.take(batch));
    const begins = batch.baseOffset === stretch.from ? { ...delta, baseOffset: stretch.since } : delta;
    const isPart = transactions.around(delta.endOffset) !== null;
    yield { delta: isPart ? { ...begins, continues: true } : begins, bytes: batch.sizeInBytes };
  }
}

/** A committed batch as those who watch get it. One of the quorum's own has no records for them. */
function deltaOf(batch: LogBatch, records: readonly MetadataRecord[]): WatchDelta {
  const { baseOffset, epoch, appendTimestampMs } = batch;
  return {
    kind: 'delta',
    baseOffset,
    endOffset: batchEndOffset(batch),
    epoch,
    timestampMs: appendTimestampMs,
    records: records.map((record, index): WatchRecord => {
      const { type, ...value } = shownRecord(record);
      return { offset: (baseOffset + index) as Offset, type, value };
    }),
  };
}
