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

/** One committed batch of data, whole. */
export type CommittedBatch = {
  readonly baseOffset: Offset;
  readonly records: readonly MetadataRecord[];
};

/** What looks at committed metadata, record by record or batch by batch. */
export type MetadataWatcher = {
  onRecord?(committed: CommittedRecord): void;
  onBatch?(batch: CommittedBatch): void;
};

type Point = { readonly batch: BatchNode; readonly image: MetadataImage };

/**
 * The state as a reader of the whole committed log would have it, from its first record on: the witness
 * that nodes and answers are compared with. It takes part in no node, loads no checkpoint and shares no
 * image with any.
 */
export class MetadataWitness implements Checker {
  readonly name = 'committed records can be replayed';
  readonly source = 'design 9';
  readonly watchers: MetadataWatcher[] = [];
  /** Images by the end of each batch, in order. */
  readonly #points: Point[] = [];
  #image: MetadataImage = emptyImage;
  #partial: MetadataImage | null = null;

  get image(): MetadataImage {
    return this.#image;
  }

  onCommitted(batch: BatchNode): void {
    assert(batch.baseOffset === this.#image.endOffset, 'the committed log has no gaps');
    const records = recordsIn(batch);
    let before = this.#image;
    let builder = createImageBuilder(before);
    const isWatched = this.watchers.some((watcher) => watcher.onRecord !== undefined);
    for (const [at, record] of records.entries()) {
      const offset = (batch.baseOffset + at) as Offset;
      builder.replay(record, { offset, epoch: batch.epoch, timestampMs: batch.appendTimestampMs });
      if (!isWatched) continue;
      // Who watches a record compares both sides of it, and what a builder shows ends with its next record.
      const after = builder.freeze((offset + 1) as Offset, batch.epoch);
      const { epoch, appendTimestampMs: timestampMs } = batch;
      this.#announce({ record, offset, epoch, timestampMs, before, after });
      before = after;
      builder = createImageBuilder(after);
    }
    this.#image = builder.freeze(batch.endOffset, batch.epoch);
    this.#points.push({ batch, image: this.#image });
    if (records.length === 0) return;
    for (const watcher of this.watchers) watcher.onBatch?.({ baseOffset: batch.baseOffset, records });
  }

  /** The state below `offset`; null when that is not committed. */
  imageAt(offset: number): MetadataImage | null {
    if (offset === 0) return emptyImage;
    if (offset > this.#image.endOffset) return null;
    const at = this.#firstEndingFrom(offset);
    const point = this.#points[at];
    if (point === undefined) return null;
    if (point.image.endOffset === offset) return point.image;
    if (this.#partial?.endOffset === offset) return this.#partial;
    const builder = createImageBuilder(this.#points[at - 1]?.image ?? emptyImage);
    const { baseOffset, epoch, appendTimestampMs: timestampMs } = point.batch;
    for (const [index, record] of recordsIn(point.batch).entries()) {
      if (baseOffset + index >= offset) break;
      builder.replay(record, { offset: (baseOffset + index) as Offset, epoch, timestampMs });
    }
    this.#partial = builder.freeze(offset as Offset, epoch);
    return this.#partial;
  }

  /** The base and the end of the batch in the middle of which `offset` lies; null where one begins or ends. */
  batchAround(offset: number): readonly [number, number] | null {
    const batch = this.#points[this.#firstEndingFrom(offset)]?.batch;
    if (batch === undefined || batch.baseOffset === offset || batch.endOffset === offset) return null;
    return [batch.baseOffset, batch.endOffset];
  }

  #announce(committed: CommittedRecord): void {
    for (const watcher of this.watchers) watcher.onRecord?.(committed);
  }

  /** The place of the first batch that ends at `offset` or later. */
  #firstEndingFrom(offset: number): number {
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#points[middle]?.image.endOffset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
