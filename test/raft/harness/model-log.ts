import { assert } from '../../../src/base/assert.ts';
import type { Epoch, Offset } from '../../../src/base/brands.ts';
import { batchEndOffset, type LogBatch } from '../../../src/raft/batch.ts';
import type { EpochStart, VoterSetAt } from '../../../src/raft/config.ts';
import type { SnapshotId } from '../../../src/raft/snapshot-id.ts';

/** A log in memory: what a shell keeps, without a disk's ways. */
export class ModelLog {
  start: SnapshotId;
  batches: LogBatch[];

  constructor(start: SnapshotId, batches: readonly LogBatch[] = []) {
    this.start = start;
    this.batches = [...batches];
  }

  copy(): ModelLog {
    return new ModelLog(this.start, this.batches);
  }

  get endOffset(): Offset {
    const last = this.batches[this.batches.length - 1];
    return last === undefined ? this.start.endOffset : batchEndOffset(last);
  }

  append(batches: readonly LogBatch[]): void {
    for (const batch of batches) {
      assert(batch.baseOffset === this.endOffset, 'an append does not continue the log');
      this.batches.push(encoded(batch));
    }
  }

  truncate(to: Offset): void {
    this.batches = this.batches.filter((batch) => batchEndOffset(batch) <= to);
    assert(this.endOffset === to, `truncated to ${to}, inside a batch`);
  }

  resetTo(start: SnapshotId): void {
    this.start = start;
    this.batches = [];
  }

  /** Cleaning keeps batches that reach beyond the new start. */
  cleanTo(start: SnapshotId): void {
    this.batches = this.batches.filter((batch) => batchEndOffset(batch) > start.endOffset);
    this.start = start;
  }

  /** Whole batches from `from` below `to`: one at least, and otherwise no more than `maxBytes`. */
  read(from: Offset, to: Offset, maxBytes: number): readonly LogBatch[] {
    const found: LogBatch[] = [];
    let sizeInBytes = 0;
    for (const batch of this.batches) {
      if (batch.baseOffset < from) continue;
      if (batchEndOffset(batch) > to) break;
      sizeInBytes += batch.sizeInBytes;
      if (found.length > 0 && sizeInBytes > maxBytes) break;
      found.push(batch);
    }
    return found;
  }

  epochStarts(): readonly EpochStart[] {
    const starts: EpochStart[] = [];
    for (const batch of this.batches) {
      if (starts[starts.length - 1]?.epoch === batch.epoch) continue;
      starts.push({ epoch: batch.epoch, startOffset: batch.baseOffset });
    }
    return starts;
  }

  epochBefore(offset: Offset): Epoch | null {
    if (offset === this.start.endOffset) return this.start.epoch;
    const batch = this.batches.find((other) => other.baseOffset < offset && batchEndOffset(other) >= offset);
    return batch?.epoch ?? null;
  }

  voterSetRecords(): readonly VoterSetAt[] {
    const sets: VoterSetAt[] = [];
    for (const batch of this.batches) {
      if (batch.kind !== 'control') continue;
      for (const [index, record] of batch.records.entries()) {
        const offset = (batch.baseOffset + index) as Offset;
        if (record.type === 'KRaftVoters') sets.push({ offset, voters: record.voters });
      }
    }
    return sets;
  }
}

/** As a shell would encode it: the core never reads the bytes. */
function encoded(batch: LogBatch): LogBatch {
  if (batch.body.form === 'encoded') return batch;
  const bytes = batch.body.form === 'payload' ? batch.body.bytes : new Uint8Array(16);
  return { ...batch, sizeInBytes: bytes.length, body: { form: 'encoded', bytes } };
}
