import type { Offset } from '../../base/brands.ts';
import type { MetadataRecord } from '../../metadata/registry.ts';
import { shownRecord } from '../../metadata/shown-record.ts';
import { batchEndOffset, type LogBatch } from '../../raft/batch.ts';
import type { WatchDelta, WatchRecord } from './watch-api.ts';

/** A committed batch as those who watch get it. One of the quorum's own has no records for them. */
export function deltaOf(batch: LogBatch, records: readonly MetadataRecord[]): WatchDelta {
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
