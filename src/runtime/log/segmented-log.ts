import { assert } from '../../base/assert.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import type { Offset } from '../../base/brands.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { encodeBatch, statedCrc, statedPreviousCrc } from '../../codec/batch.ts';
import type { Clock } from '../../ports/clock.ts';
import type { FileError, Files } from '../../ports/files.ts';
import { batchEndOffset, type LogBatch } from '../../raft/batch.ts';
import type { IoId } from '../../raft/inputs.ts';
import type { SnapshotId } from '../../raft/snapshot-id.ts';
import type { DiskIndex } from './disk-index.ts';
import type { LogContents } from './log-contents.ts';
import { LogWriter } from './log-writer.ts';
import type { LogReadError, RaftLog, RaftLogEvents } from './raft-log.ts';
import { planRead, type ReadPlan, readBatches } from './read-batches.ts';
import { RecentBatches } from './recent-batches.ts';
import type { SegmentMaker } from './segment-maker.ts';
import type { TransactionIndex } from './transaction-index.ts';

export type SegmentedLogOptions = {
  readonly files: Files;
  readonly clock: Clock;
  readonly directory: string;
  readonly segmentBytes: number;
  readonly cacheBytesMax: number;
  readonly events: RaftLogEvents;
};

type ReadCompletion = (result: Result<readonly LogBatch[], LogReadError>) => void;

/**
 * The log as its callers see it: the tail in memory, the rest on disk, and a writer that carries what is
 * called here to disk in order.
 *
 * Invariants
 * 1. `flushedOffset` <= `endOffset`, and it never rises above a truncation that was called since.
 * 2. Whatever is not on disk is in `#recent`; below its start the index and the log agree.
 */
export class SegmentedLog implements RaftLog {
  readonly transactions: TransactionIndex;
  readonly #index: DiskIndex;
  readonly #maker: SegmentMaker;
  readonly #writer: LogWriter;
  readonly #recent: RecentBatches;
  readonly #events: RaftLogEvents;
  #endOffset: Offset;
  #flushedOffset: Offset;
  #chainCrc: number;
  #startOffset: Offset;
  #lastIoId: IoId = -1;
  /** Cuts and resets that are not on disk yet, oldest first. */
  readonly #pendingCuts: { readonly to: Offset; readonly isReset: boolean }[] = [];
  readonly #pendingReads = new Set<{ readonly endOffset: Offset; cancelled: boolean }>();

  constructor(
    options: SegmentedLogOptions,
    { index, transactions }: Pick<LogContents, 'index' | 'transactions'>,
    maker: SegmentMaker,
  ) {
    this.#index = index;
    this.transactions = transactions;
    transactions.endScan();
    this.#maker = maker;
    this.#events = options.events;
    this.#endOffset = index.endOffset;
    this.#flushedOffset = index.endOffset;
    this.#chainCrc = index.chainCrc;
    this.#startOffset = index.logStart.endOffset;
    this.#recent = new RecentBatches(index.endOffset, options.cacheBytesMax);
    const events = {
      onGroupFlushed: (ioId: IoId | null): void => this.#groupFlushed(ioId),
      onCutFlushed: (ioId: IoId): void => this.#cutFlushed(ioId),
      onFailed: (error: FileError): void =>
        this.#events.onFailed({ file: error.path, message: `${error.code}: ${error.message}` }),
    };
    this.#writer = new LogWriter({ ...options, index, maker, events });
    this.#writer.start();
  }

  get endOffset(): Offset {
    return this.#endOffset;
  }

  get flushedOffset(): Offset {
    return this.#flushedOffset;
  }

  get bytesOnDisk(): number {
    return this.#index.bytesOnDisk + this.#maker.bytesOnDisk;
  }

  append(ioId: IoId, batches: readonly LogBatch[]): void {
    this.#takeIoId(ioId);
    assert(batches.length > 0, 'an append has a batch');
    if (!this.#writer.isOpen) return;
    const encoded = batches.map((batch) => this.#addToTail(batch));
    this.#writer.append(ioId, encoded);
  }

  #addToTail(batch: LogBatch): LogBatch {
    assert(
      batch.baseOffset === this.#endOffset,
      `a batch at ${batch.baseOffset}, the log ends at ${this.#endOffset}`,
    );
    const encoded = batch.body.form === 'encoded' ? batch : encodeNow(batch, this.#chainCrc);
    assert(
      statedPreviousCrc(encoded) === this.#chainCrc,
      `the batch at ${batch.baseOffset} breaks the chain`,
    );
    this.#recent.add(encoded);
    this.transactions.add(encoded);
    this.#endOffset = batchEndOffset(encoded);
    this.#chainCrc = statedCrc(encoded);
    return encoded;
  }

  truncate(ioId: IoId, to: Offset): void {
    this.#takeIoId(ioId);
    if (!this.#writer.isOpen) return;
    assert(to >= this.#startOffset, `a cut at ${to}, the log begins at ${this.#startOffset}`);
    assert(to <= this.#endOffset, `a cut at ${to}, the log ends at ${this.#endOffset}`);
    const chainCrc = this.chainCrcAt(to);
    assert(chainCrc !== null, `a cut at ${to}, where no batch begins`);
    this.#recent.truncate(to);
    this.transactions.truncateTo(to);
    this.#endOffset = to;
    this.#chainCrc = chainCrc;
    this.#beginCut(to, false);
    this.#writer.truncate(ioId, to);
  }

  resetTo(ioId: IoId, at: SnapshotId, chainCrc: number): void {
    this.#takeIoId(ioId);
    if (!this.#writer.isOpen) return;
    this.#recent.reset(at.endOffset);
    this.transactions.reset();
    this.#endOffset = at.endOffset;
    this.#startOffset = at.endOffset;
    this.#chainCrc = chainCrc;
    for (const read of this.#pendingReads) read.cancelled = true;
    this.#beginCut(at.endOffset, true);
    this.#writer.resetTo(ioId, at, chainCrc);
  }

  /** A flush that was asked for earlier can never raise `flushedOffset` above this cut (design 1). */
  #beginCut(to: Offset, isReset: boolean): void {
    for (const read of this.#pendingReads) read.cancelled ||= read.endOffset > to;
    this.#pendingCuts.push({ to, isReset });
    if (this.#flushedOffset > to) this.#flushedOffset = to;
  }

  read(from: Offset, to: Offset, maxBytes: number, complete: ReadCompletion): void {
    if (from < this.#startOffset) {
      complete(failed({ code: 'BELOW_LOG_START', message: `the log begins at ${this.#startOffset}` }));
      return;
    }
    if (from >= to || to > this.#endOffset) {
      complete(failed({ code: 'CANCELLED', message: `the log ends at ${this.#endOffset}` }));
      return;
    }
    if (from >= this.#recent.startOffset) {
      const found = this.#recent.read(from, to, maxBytes);
      complete(found === null ? noBatchAt(from) : ok(found));
      return;
    }
    const located = this.#index.locate(from);
    if (located === null) {
      complete(noBatchAt(from));
      return;
    }
    // On into what is in memory as well, as far as the disk has it: a read that ended where the memory begins
    // would give a reader shortly before it no more than has left the memory meanwhile, for as long as others write.
    const limit = Math.min(to, Math.max(this.#recent.startOffset, this.#flushedOffset));
    this.#readFromDisk(planRead(located.segment, located.index, limit, maxBytes), complete);
  }

  #readFromDisk(plan: ReadPlan, complete: ReadCompletion): void {
    if (!this.#writer.isOpen) {
      complete(failed({ code: 'IO', message: 'the log is closed' }));
      return;
    }
    const { segment, places } = plan;
    const pending = { endOffset: (places.at(-1) ?? places[0]).endOffset as Offset, cancelled: false };
    this.#pendingReads.add(pending);
    segment.readers++;
    this.#writer.runTask(readBatches(plan), (result) => {
      segment.readers--;
      this.#pendingReads.delete(pending);
      if (segment.dropped && segment.readers === 0) this.#writer.closeFile(segment.handle);
      complete(
        pending.cancelled ? failed({ code: 'CANCELLED', message: 'the log was cut meanwhile' }) : result,
      );
    });
  }

  cleanTo(logStart: SnapshotId): void {
    if (!this.#writer.isOpen) return;
    // A reset that is on its way removes every older segment itself.
    if (this.#pendingCuts.some((cut) => cut.isReset)) return;
    // What is committed can be applied, and be in a checkpoint, before this disk has even cut what stood there.
    const cuts = this.#pendingCuts.map((cut) => cut.to);
    const dropped = this.#index.dropBelow(Math.min(logStart.endOffset, ...cuts) as Offset);
    if (dropped.length === 0) return;
    coverageMark('log: segments behind a checkpoint are removed');
    this.#startOffset = this.#index.logStart.endOffset;
    this.transactions.dropBelow(this.#startOffset);
    this.#writer.removeSegments(dropped);
  }

  chainCrcAt(offset: Offset): number | null {
    if (offset === this.#endOffset) return this.#chainCrc;
    if (offset > this.#endOffset || offset < this.#startOffset) return null;
    if (offset >= this.#recent.startOffset) return this.#recent.chainCrcAt(offset);
    return this.#index.chainCrcAt(offset);
  }

  close(complete: () => void): void {
    this.#writer.close(complete);
  }

  #takeIoId(ioId: IoId): void {
    assert(ioId > this.#lastIoId, `the ids of log effects grow: ${ioId} after ${this.#lastIoId}`);
    this.#lastIoId = ioId;
  }

  #groupFlushed(ioId: IoId | null): void {
    this.#raiseFlushed();
    if (ioId !== null) this.#events.onFlushed(ioId);
  }

  #cutFlushed(ioId: IoId): void {
    this.#pendingCuts.shift();
    this.#raiseFlushed();
    this.#events.onTruncated(ioId);
  }

  #raiseFlushed(): void {
    this.#flushedOffset = Math.min(
      this.#index.endOffset,
      ...this.#pendingCuts.map((cut) => cut.to),
    ) as Offset;
    assert(this.#flushedOffset <= this.#endOffset, 'no more is flushed than was appended');
    this.#recent.evict(this.#flushedOffset);
  }
}

/** Puts header and chained CRC before what this node, being leader, has made. */
function encodeNow(batch: LogBatch, previousCrc: number): LogBatch {
  const bytes = encodeBatch(batch, previousCrc);
  return { ...batch, body: { form: 'encoded', bytes }, sizeInBytes: bytes.length };
}

function noBatchAt(from: Offset): Result<never, LogReadError> {
  return failed({ code: 'CANCELLED', message: `no batch begins at ${from}` });
}
