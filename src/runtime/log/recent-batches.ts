import { assert } from '../../base/assert.ts';
import { type Offset } from '../../base/brands.ts';
import { statedPreviousCrc } from '../../codec/batch.ts';
import { batchEndOffset, type LogBatch } from '../../raft/batch.ts';
import { batchesPerReadMax } from './limits.ts';

/**
 * The tail of the log in memory: contiguous encoded batches up to the log's end. Whatever is not on disk
 * yet is in here, so the bound holds for flushed batches only.
 */
export class RecentBatches {
  readonly #bytesMax: number;
  /** Batches before `#head` were dropped; the array is compacted when they are a quarter of it. */
  #batches: LogBatch[] = [];
  #head = 0;
  #bytes = 0;
  #startOffset: Offset;

  constructor(startOffset: Offset, bytesMax: number) {
    this.#startOffset = startOffset;
    this.#bytesMax = bytesMax;
  }

  /** Batches from here on are in memory. */
  get startOffset(): Offset {
    return this.#startOffset;
  }

  add(batch: LogBatch): void {
    this.#batches.push(batch);
    this.#bytes += batch.sizeInBytes;
  }

  /** Drops the oldest batches that end at or below `flushedOffset` until the bound holds. */
  evict(flushedOffset: Offset): void {
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#batches[this.#head];
      if (oldest === undefined || batchEndOffset(oldest) > flushedOffset) break;
      this.#bytes -= oldest.sizeInBytes;
      this.#startOffset = batchEndOffset(oldest);
      this.#head++;
    }
    if (4 * this.#head <= this.#batches.length || this.#head < 64) return;
    this.#batches = this.#batches.slice(this.#head);
    this.#head = 0;
  }

  truncate(to: Offset): void {
    const keep = this.#firstFrom(to);
    for (const batch of this.#batches.slice(keep)) this.#bytes -= batch.sizeInBytes;
    this.#batches.length = keep;
    if (to < this.#startOffset) this.#startOffset = to;
  }

  reset(startOffset: Offset): void {
    this.#batches = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#startOffset = startOffset;
  }

  /** Chain CRC before the batch that begins at `at`; null when none in memory does. */
  chainCrcAt(at: Offset): number | null {
    const batch = this.#batches[this.#firstFrom(at)];
    return batch === undefined || batch.baseOffset !== at ? null : statedPreviousCrc(batch);
  }

  /**
   * Whole batches from `from` below `to`: at least one, otherwise at most `maxBytes` and a read's count. Null:
   * none begins there.
   */
  read(from: Offset, to: Offset, maxBytes: number): readonly LogBatch[] | null {
    assert(from >= this.#startOffset, 'only what is in memory is read here');
    const first = this.#firstFrom(from);
    if (this.#batches[first]?.baseOffset !== from) return null;
    const found: LogBatch[] = [];
    let bytes = 0;
    for (let at = first; at < this.#batches.length && found.length < batchesPerReadMax; at++) {
      const batch = this.#batches[at];
      if (batch === undefined || batch.baseOffset >= to) break;
      bytes += batch.sizeInBytes;
      if (found.length > 0 && (bytes > maxBytes || batchEndOffset(batch) > to)) break;
      found.push(batch);
    }
    return found;
  }

  #firstFrom(from: Offset): number {
    let low = this.#head;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const batch = this.#batches[middle];
      if (batch !== undefined && batch.baseOffset < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
