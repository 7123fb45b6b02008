import { assert } from '../src/base/assert.ts';
import type { Epoch, Offset } from '../src/base/brands.ts';
import { createImageBuilder, emptyImage, type MetadataImage } from '../src/metadata/image.ts';
import type { MetadataRecord } from '../src/metadata/registry.ts';
import type { BatchNode } from './batch-history.ts';
import type { Checker } from './observation.ts';
import { recordsIn } from './records-in.ts';

/** One committed record, and the state on both sides of it. */
export type CommittedRecord = {
  readonly record: MetadataRecord;
  readonly offset: Offset;
  readonly epoch: Epoch;
  /** When its batch was appended, in ms since 1970. */
  readonly timestampMs: number;
  readonly before: MetadataImage;
  /** Valid during the call: the next record may change it in place. */
  readonly after: MetadataImage;
};

/** One committed batch of data, or one transaction, whole: what takes effect at once. */
export type CommittedBatch = {
  readonly baseOffset: Offset;
  readonly records: readonly MetadataRecord[];
  /** Of each of them: control records of the quorum may stand within a transaction. */
  readonly offsets: readonly Offset[];
};

/** What looks at committed metadata, record by record or batch by batch. */
export type MetadataWatcher = {
  onRecord?(committed: CommittedRecord): void;
  onBatch?(batch: CommittedBatch): void;
};

/** What is seen whole or not at all, and the state behind it. */
export type Unit = {
  readonly baseOffset: Offset;
  /** One, or those of a transaction. */
  readonly batches: readonly BatchNode[];
  readonly isAborted: boolean;
  readonly image: MetadataImage;
};

/**
 * The state as a reader of the whole committed log would have it, from its first record on: the witness
 * that nodes and answers are compared with. It takes part in no node, loads no checkpoint and shares no
 * image with any.
 */
export class MetadataWitness implements Checker {
  readonly name = 'committed records can be replayed';
  readonly source = 'design 9';
  readonly watchers: MetadataWatcher[] = [];
  /** Images by the end of each batch or transaction, in order. */
  readonly #units: Unit[] = [];
  /** Batches of a transaction that has not ended. */
  #open: BatchNode[] = [];
  #endOffset = 0;
  #image: MetadataImage = emptyImage;
  #partial: MetadataImage | null = null;

  get image(): MetadataImage {
    return this.#image;
  }

  onCommitted(batch: BatchNode): void {
    assert(batch.baseOffset === this.#endOffset, 'the committed log has no gaps');
    this.#endOffset = batch.endOffset;
    const records = recordsIn(batch);
    const [first] = records;
    const isWithin = this.#open.length > 0 || first?.type === 'BeginTransactionRecord';
    if (!isWithin) {
      this.#take([batch], [batch], false);
      return;
    }
    this.#open.push(batch);
    const isAborted = first?.type === 'AbortTransactionRecord';
    if (!isAborted && records.at(-1)?.type !== 'EndTransactionRecord') return;
    const batches = this.#open;
    this.#open = [];
    this.#take(batches, isAborted ? [batch] : batches, isAborted);
  }

  /** `effective`: those of the batches that take effect. */
  #take(batches: readonly BatchNode[], effective: readonly BatchNode[], isAborted: boolean): void {
    const [first] = batches;
    const last = batches.at(-1);
    assert(first !== undefined && last !== undefined, 'there is a batch');
    let before = this.#image;
    let builder = createImageBuilder(before);
    const isWatched = this.watchers.some((watcher) => watcher.onRecord !== undefined);
    const records: MetadataRecord[] = [];
    const offsets: Offset[] = [];
    for (const { batch, record, offset } of positionedIn(effective)) {
      const { epoch, appendTimestampMs: timestampMs } = batch;
      records.push(record);
      offsets.push(offset);
      builder.replay(record, { offset, epoch, timestampMs });
      if (!isWatched) continue;
      // Who watches a record compares both sides of it, and what a builder shows ends with its next record.
      const after = builder.freeze((offset + 1) as Offset, epoch);
      this.#announce({ record, offset, epoch, timestampMs, before, after });
      before = after;
      builder = createImageBuilder(after);
    }
    this.#image = builder.freeze(last.endOffset, last.epoch);
    this.#units.push({ baseOffset: first.baseOffset, batches, isAborted, image: this.#image });
    if (records.length === 0) return;
    const { baseOffset } = first;
    for (const watcher of this.watchers) watcher.onBatch?.({ baseOffset, records, offsets });
  }

  /** The state below `offset`; null when that is not committed, or of a transaction that has not ended. */
  imageAt(offset: number): MetadataImage | null {
    if (offset === 0) return emptyImage;
    if (offset > this.#image.endOffset) return null;
    const at = this.#firstEndingFrom(offset);
    const unit = this.#units[at];
    if (unit === undefined) return null;
    if (unit.image.endOffset === offset) return unit.image;
    if (this.#partial?.endOffset === offset) return this.#partial;
    const builder = createImageBuilder(this.#units[at - 1]?.image ?? emptyImage);
    const [{ epoch }] = unit.batches as readonly [BatchNode, ...BatchNode[]];
    for (const { batch, record, offset: place } of unit.isAborted ? [] : positionedIn(unit.batches)) {
      if (place >= offset) break;
      const { epoch: inEpoch, appendTimestampMs: timestampMs } = batch;
      builder.replay(record, { offset: place, epoch: inEpoch, timestampMs });
    }
    this.#partial = builder.freeze(offset as Offset, epoch);
    return this.#partial;
  }

  /** The base and the end of the batch, or of the transaction, in the middle of which `offset` lies; null of none. */
  batchAround(offset: number): readonly [number, number] | null {
    const unit = this.#units[this.#firstEndingFrom(offset)];
    if (unit === undefined || unit.baseOffset >= offset || unit.image.endOffset === offset) return null;
    return [unit.baseOffset, unit.image.endOffset];
  }

  /** What ends at `offset`, or has its last batch but some there: where a delta may end. */
  unitWith(offset: number): Unit | null {
    return this.#units[this.#firstEndingFrom(offset)] ?? null;
  }

  #announce(committed: CommittedRecord): void {
    for (const watcher of this.watchers) watcher.onRecord?.(committed);
  }

  /** The place of the first unit that ends at `offset` or later. */
  #firstEndingFrom(offset: number): number {
    let low = 0;
    let high = this.#units.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#units[middle]?.image.endOffset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function* positionedIn(
  batches: readonly BatchNode[],
): Generator<{ readonly batch: BatchNode; readonly record: MetadataRecord; readonly offset: Offset }, void> {
  for (const batch of batches) {
    for (const [at, record] of recordsIn(batch).entries()) {
      yield { batch, record, offset: (batch.baseOffset + at) as Offset };
    }
  }
}
