import { assert } from '../base/assert.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import type { Epoch, Offset } from '../base/brands.ts';
import { batchEndOffset, type LogBatch } from './batch.ts';
import type { EpochStart } from './config.ts';
import type { IoId } from './inputs.ts';
import { Queue } from './queue.ts';
import type { SnapshotId } from './snapshot-id.ts';

/** An epoch of the log and where it ends there (exclusive). */
export type EpochEnd = { readonly epoch: Epoch; readonly endOffset: Offset };

type UnflushedAppend = {
  readonly ioId: IoId;
  readonly endOffset: Offset;
  readonly sizeInBytes: number;
  readonly appendedMs: number;
};

/**
 * What the core knows of its own log: where it begins, ends and is flushed to, and which epoch wrote
 * which part. The records themselves are the shell's.
 *
 * Invariants
 * 1. logStart.endOffset <= flushedOffset <= endOffset; a log's start is at a snapshot, which is durable.
 * 2. Epoch starts ascend strictly in both fields, and the first one is at the log's start.
 * 3. A flush that was asked for before a truncation to T never raises `flushedOffset` above T: the
 *    records it wrote above T are gone (design 1).
 */
export class LogView {
  #logStart: SnapshotId;
  #endOffset: Offset;
  #flushedOffset: Offset;
  #epochStarts: EpochStart[];
  #unflushed = new Queue<UnflushedAppend>();
  #unflushedBytes = 0;
  #diskAnsweredMs = Number.NEGATIVE_INFINITY;

  /** Everything recovered is flushed already. */
  constructor(logStart: SnapshotId, endOffset: Offset, epochStarts: readonly EpochStart[]) {
    assert(endOffset >= logStart.endOffset, `the log ends at ${endOffset}, before its own start`);
    this.#logStart = logStart;
    this.#endOffset = endOffset;
    this.#flushedOffset = endOffset;
    this.#epochStarts = withinLog(epochStarts, logStart, endOffset);
  }

  get logStart(): SnapshotId {
    return this.#logStart;
  }

  get endOffset(): Offset {
    return this.#endOffset;
  }

  get flushedOffset(): Offset {
    return this.#flushedOffset;
  }

  /** Bytes appended whose flush has not completed. */
  get unflushedBytes(): number {
    return this.#unflushedBytes;
  }

  /** The epoch of the last record, or of the snapshot when there is none after it. */
  get lastEpoch(): Epoch {
    return this.#epochStarts[this.#epochStarts.length - 1]?.epoch ?? this.#logStart.epoch;
  }

  /** Appends, of one batch or more, whose flush has not completed. */
  get unflushedAppends(): number {
    return this.#unflushed.length;
  }

  /**
   * Since when the disk has been waited for: since the oldest append whose flush has not completed, or since
   * the disk's last answer if that came later, because one that is slow and gets on does not hang. Null when
   * all is flushed.
   */
  get diskAwaitedSinceMs(): number | null {
    const oldest = this.#unflushed.first();
    return oldest === undefined ? null : Math.max(oldest.appendedMs, this.#diskAnsweredMs);
  }

  append(ioId: IoId, batches: readonly LogBatch[], nowMs: number): void {
    let sizeInBytes = 0;
    for (const batch of batches) {
      assert(
        batch.baseOffset === this.#endOffset,
        `a batch at ${batch.baseOffset} does not continue the log`,
      );
      assert(batch.recordCount >= 1, 'an empty batch');
      this.#noteEpoch(batch);
      this.#endOffset = batchEndOffset(batch);
      sizeInBytes += batch.sizeInBytes;
    }
    this.#unflushed.push({ ioId, endOffset: this.#endOffset, sizeInBytes, appendedMs: nowMs });
    this.#unflushedBytes += sizeInBytes;
  }

  #noteEpoch(batch: LogBatch): void {
    const last = this.lastEpoch;
    assert(batch.epoch >= last, `epoch ${batch.epoch} follows epoch ${last}`);
    if (batch.epoch === last && this.#epochStarts.length > 0) return;
    this.#epochStarts.push({ epoch: batch.epoch, startOffset: batch.baseOffset });
  }

  truncate(to: Offset): void {
    assert(to >= this.#logStart.endOffset, `cannot truncate to ${to}, below the log's start`);
    assert(to < this.#endOffset, `truncating to ${to} removes nothing`);
    this.#endOffset = to;
    if (this.#flushedOffset > to) {
      coverageMark('truncate: takes back what was flushed');
      this.#flushedOffset = to;
    }
    // Invariant 3: flushes under way may still complete, and must not claim what is gone.
    this.#unflushed.update((append) => (append.endOffset <= to ? append : { ...append, endOffset: to }));
    while ((this.#epochStarts[this.#epochStarts.length - 1]?.startOffset ?? -1) >= to)
      this.#epochStarts.pop();
  }

  /** The process itself stood still: flushes may have completed meanwhile without its hearing of them. */
  creditStall(stalledMs: number, nowMs: number): void {
    this.#unflushed.update((append) => ({
      ...append,
      appendedMs: Math.min(nowMs, append.appendedMs + stalledMs),
    }));
    this.#diskAnsweredMs = Math.min(nowMs, this.#diskAnsweredMs + stalledMs);
  }

  /** A write to this node's disk has become durable, be it the log's or the quorum state's. */
  noteDiskAnswered(nowMs: number): void {
    this.#diskAnsweredMs = nowMs;
  }

  /** Takes note of a completed flush; true when `flushedOffset` has risen. Stale ids change nothing. */
  noteFlushed(ioId: IoId): boolean {
    const before = this.#flushedOffset;
    for (let next = this.#unflushed.first(); next !== undefined; next = this.#unflushed.first()) {
      if (next.ioId > ioId) break;
      this.#unflushed.removeFirst();
      this.#unflushedBytes -= next.sizeInBytes;
      if (next.endOffset > this.#flushedOffset) this.#flushedOffset = next.endOffset;
    }
    return this.#flushedOffset > before;
  }

  /** The epoch of the record before `offset`; null when this log does not tell. */
  epochBefore(offset: Offset): Epoch | null {
    if (offset < this.#logStart.endOffset || offset > this.#endOffset) return null;
    if (offset === this.#logStart.endOffset) return this.#logStart.epoch;
    for (let at = this.#epochStarts.length - 1; at >= 0; at--) {
      const start = this.#epochStarts[at];
      if (start !== undefined && start.startOffset < offset) return start.epoch;
    }
    return null;
  }

  /** The largest epoch in this log that is at most `epoch`, and its end; null when all are larger (KIP-595). */
  endOfEpoch(epoch: Epoch): EpochEnd | null {
    let endOffset = this.#endOffset;
    for (let at = this.#epochStarts.length - 1; at >= 0; at--) {
      const start = this.#epochStarts[at];
      if (start === undefined) continue;
      if (start.epoch <= epoch) return { epoch: start.epoch, endOffset };
      endOffset = start.startOffset;
    }
    return this.#logStart.epoch <= epoch ? { epoch: this.#logStart.epoch, endOffset } : null;
  }

  /** The log begins at a newer snapshot; what lies before it may be deleted. */
  startAt(logStart: SnapshotId): void {
    assert(logStart.endOffset >= this.#logStart.endOffset, 'the log start goes back');
    assert(logStart.endOffset <= this.#endOffset, 'the log would begin behind its end');
    assert(this.epochBefore(logStart.endOffset) === logStart.epoch, 'the log and its new start disagree');
    this.#logStart = logStart;
    this.#epochStarts = withinLog(this.#epochStarts, logStart, this.#endOffset);
    // A checkpoint can be durable before the log's own flush; below it nothing can be lost any more.
    if (this.#flushedOffset < logStart.endOffset) this.#flushedOffset = logStart.endOffset;
  }

  /** A snapshot has replaced the whole log. */
  resetTo(snapshotId: SnapshotId): void {
    this.#logStart = snapshotId;
    this.#endOffset = snapshotId.endOffset;
    this.#flushedOffset = snapshotId.endOffset;
    this.#epochStarts = [];
    this.#unflushed.drain();
    this.#unflushedBytes = 0;
  }
}

/** The epoch starts of a log that begins at `logStart`: the epoch in force there begins there. */
function withinLog(
  epochStarts: readonly EpochStart[],
  logStart: SnapshotId,
  endOffset: Offset,
): EpochStart[] {
  const kept: EpochStart[] = [];
  for (const start of epochStarts) {
    if (start.startOffset >= endOffset) break;
    if (start.startOffset <= logStart.endOffset) kept.length = 0;
    const startOffset = start.startOffset < logStart.endOffset ? logStart.endOffset : start.startOffset;
    const before = kept[kept.length - 1];
    assert(before === undefined || before.epoch < start.epoch, 'epochs do not ascend in the log');
    kept.push({ epoch: start.epoch, startOffset });
  }
  const first = kept[0];
  const startsThere = first === undefined || first.startOffset === logStart.endOffset;
  assert(startsThere, 'the epoch at the start of the log is unknown');
  assert(first !== undefined || endOffset === logStart.endOffset, 'a log with records and no epochs');
  return kept;
}
