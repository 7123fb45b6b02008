import { batchPayload } from '../../codec/batch.ts';
import { decodeRecords } from '../../codec/record-value.ts';
import type { MetadataRecord } from '../../metadata/registry.ts';
import type { LogBatch } from '../../raft/batch.ts';

/**
 * The records of a committed batch, decoded once for the replay and for those who watch. They are kept from the
 * replay until they are taken, and only while somebody watches: the log gives both the same batch as long as it
 * has it in memory.
 */
export class BatchRecords {
  readonly #kept = new WeakMap<LogBatch, readonly MetadataRecord[]>();
  isWatched = false;

  /** For the replay. Throws when the batch cannot be read. */
  replayed(batch: LogBatch): readonly MetadataRecord[] {
    const records = recordsOf(batch);
    if (this.isWatched) this.#kept.set(batch, records);
    return records;
  }

  /** For those who watch. Throws when the batch cannot be read. */
  take(batch: LogBatch): readonly MetadataRecord[] {
    const kept = this.#kept.get(batch);
    this.#kept.delete(batch);
    return kept ?? recordsOf(batch);
  }
}

/** A control batch changes no image. */
export function recordsOf(batch: LogBatch): readonly MetadataRecord[] {
  if (batch.kind === 'control') return [];
  const records = decodeRecords(batchPayload(batch), batch.recordCount);
  if (!records.ok) throw new Error(`the batch at offset ${batch.baseOffset}: ${records.error.message}`);
  return records.value;
}
