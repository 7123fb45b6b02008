import { batchPayload } from '../../codec/batch.ts';
import { decodeRecords } from '../../codec/record-value.ts';
import type { MetadataRecord, Registry } from '../../metadata/registry.ts';
import type { LogBatch } from '../../raft/batch.ts';

/**
 * The records of a committed batch, decoded once for the replay and for those who watch. They are kept from the
 * replay until they are taken, and only while somebody watches: the log gives both the same batch as long as it
 * has it in memory.
 */
export class BatchRecords {
  readonly #registry: Registry;
  readonly #kept = new WeakMap<LogBatch, readonly MetadataRecord[]>();
  isWatched = false;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** For the replay. Throws when the batch cannot be read. */
  replayed(batch: LogBatch): readonly MetadataRecord[] {
    const records = recordsOf(this.#registry, batch);
    if (this.isWatched) this.#kept.set(batch, records);
    return records;
  }

  /** For those who watch. Throws when the batch cannot be read. */
  take(batch: LogBatch): readonly MetadataRecord[] {
    const kept = this.#kept.get(batch);
    this.#kept.delete(batch);
    return kept ?? recordsOf(this.#registry, batch);
  }
}

/** A control batch changes no image. */
export function recordsOf(registry: Registry, batch: LogBatch): readonly MetadataRecord[] {
  if (batch.kind === 'control') return [];
  const records = decodeRecords(registry, batchPayload(batch), batch.recordCount);
  if (!records.ok) throw new Error(`the batch at offset ${batch.baseOffset}: ${records.error.message}`);
  return records.value;
}
