import { assert, assertDefined } from '../../base/assert.ts';
import { type Epoch, epoch, type Offset, offset } from '../../base/brands.ts';
import type { SnapshotId } from '../../raft/snapshot-id.ts';
import type { BatchPlace } from './batch-columns.ts';
import type { Segment } from './segment.ts';

/**
 * What the segments hold, in the order in which it reached the disk; the log's own end in memory may be
 * ahead of it, or below it while a truncation is on its way.
 *
 * Invariants
 * 1. Segments are in order of sequence, without gaps.
 * 2. Over all segments, the batches are contiguous from the log's start to `endOffset`.
 */
export class DiskIndex {
  #segments: Segment[] = [];
  #endOffset = offset(0);
  #chainCrc = 0;
  #lastEpoch = epoch(0);

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get endOffset(): Offset {
    return this.#endOffset;
  }

  get chainCrc(): number {
    return this.#chainCrc;
  }

  get lastEpoch(): Epoch {
    return this.#lastEpoch;
  }

  /** The segment that is written to. */
  get last(): Segment {
    return assertDefined(this.#segments.at(-1), 'the log has a segment');
  }

  get logStart(): SnapshotId {
    const first = assertDefined(this.#segments[0], 'the log has a segment');
    return { endOffset: first.header.baseOffset, epoch: first.header.epoch };
  }

  /** True when the first segment voids all that was before it: the log never had an earlier part. */
  get beginsAnew(): boolean {
    return this.#segments[0]?.header.beginsAnew ?? false;
  }

  get bytesOnDisk(): number {
    return this.#segments.reduce((total, segment) => total + segment.header.sizeBytes, 0);
  }

  /** Adds the next segment; the first one, or one that begins anew, sets the end. */
  addSegment(segment: Segment): void {
    const before = this.#segments.at(-1);
    if (before === undefined || segment.header.beginsAnew) {
      this.#segments = [];
      this.#endOffset = segment.header.baseOffset;
      this.#chainCrc = segment.header.chainCrc;
      this.#lastEpoch = segment.header.epoch;
    } else {
      assert(segment.header.sequence === before.header.sequence + 1, 'segments are numbered without gaps');
      assert(segment.header.baseOffset === this.#endOffset, 'a segment begins where the log ends');
    }
    this.#segments.push(segment);
  }

  /** Adds a batch that the last segment holds. */
  addBatch(place: BatchPlace): void {
    assert(
      place.baseOffset === this.#endOffset,
      `a batch at ${place.baseOffset} where ${this.#endOffset} was due`,
    );
    assert(
      place.previousCrc === this.#chainCrc,
      `the batch at ${place.baseOffset} is not chained to the one before`,
    );
    assert(place.epoch >= this.#lastEpoch, `the batch at ${place.baseOffset} goes back in epochs`);
    this.last.batches.add(place);
    this.#endOffset = offset(place.endOffset);
    this.#chainCrc = place.crc;
    this.#lastEpoch = epoch(place.epoch);
  }

  /** True when a batch begins at `at`, or the log ends there. */
  isBoundary(at: Offset): boolean {
    return this.chainCrcAt(at) !== null;
  }

  chainCrcAt(at: Offset): number | null {
    if (at === this.#endOffset) return this.#chainCrc;
    const found = this.locate(at);
    return found === null ? null : found.segment.batches.at(found.index).previousCrc;
  }

  /** The segment and the index within it of the batch that begins at `from`. */
  locate(from: Offset): { readonly segment: Segment; readonly index: number } | null {
    // Segments are few; the one wanted is mostly near the end.
    for (let at = this.#segments.length - 1; at >= 0; at--) {
      const segment = this.#segments[at];
      if (segment === undefined || segment.batches.count === 0) continue;
      if (segment.batches.at(0).baseOffset > from) continue;
      const index = segment.batches.firstFrom(from);
      if (index === segment.batches.count) return null;
      return segment.batches.at(index).baseOffset === from ? { segment, index } : null;
    }
    return null;
  }

  /** Takes out the batches from `to` on. A frame or a segment that states this cut is in the last segment. */
  truncateTo(to: Offset): void {
    const chainCrc = this.chainCrcAt(to);
    assert(chainCrc !== null, `the log cannot be cut at ${to}, where no batch begins`);
    for (const segment of this.#segments) segment.batches.cutTo(segment.batches.firstFrom(to));
    const lastWithBatches = this.#segments.findLast((segment) => segment.batches.count > 0);
    const lastBatch = lastWithBatches?.batches.at(lastWithBatches.batches.count - 1);
    this.#endOffset = to;
    this.#chainCrc = chainCrc;
    this.#lastEpoch = lastBatch === undefined ? this.logStart.epoch : epoch(lastBatch.epoch);
  }

  /** The last frame of the last segment states `base` as its base offset. */
  noteBase(base: Offset): void {
    this.last.lowestBase = Math.min(this.last.lowestBase, base);
  }

  /**
   * Drops the segments before the last one at which the log can begin, given that nothing below
   * `logStart` is needed. The log can begin at a segment when it began at or below `logStart`, and neither
   * it nor a later one was ever cut to below its beginning.
   */
  dropBelow(logStart: Offset): readonly Segment[] {
    let lowest = Number.MAX_SAFE_INTEGER;
    for (let at = this.#segments.length - 1; at > 0; at--) {
      const segment = assertDefined(this.#segments[at], 'within the list');
      lowest = Math.min(lowest, segment.lowestBase);
      const base = segment.header.baseOffset;
      if (base <= logStart && lowest >= base) return this.#segments.splice(0, at);
    }
    return [];
  }
}
