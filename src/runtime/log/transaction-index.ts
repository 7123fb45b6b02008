import { assert } from '../../base/assert.ts';
import type { Offset } from '../../base/brands.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import { transactionMarks } from '../../codec/transaction-marks.ts';
import { batchEndOffset, type LogBatch } from '../../raft/batch.ts';

/** Where a metadata transaction stands in the log. */
export type LoggedTransaction = {
  /** Of the batch that Begin is the first record of. */
  readonly baseOffset: Offset;
  /** Behind End or Abort (exclusive); null while the log holds neither. */
  readonly endOffset: Offset | null;
  readonly isAborted: boolean;
  /** What its batches take in the log. */
  readonly bytes: number;
  /** No batch of it is stamped later: no state shows the time of one that has no end. */
  readonly lastTimestampMs: number;
};

/** What readers of the log may ask. */
export type LoggedTransactions = {
  /** The transaction with a record on each side of `at`: no state stands there. Null outside of them. */
  around(at: Offset): LoggedTransaction | null;
  /** The first one that begins at `from` or later. */
  firstFrom(from: Offset): LoggedTransaction | null;
};

/**
 * The transactions of a log, known from the batches as they are appended and scanned, so that a reader knows a
 * transaction's end before it reads its first record.
 *
 * Invariants
 * 1. They ascend and do not overlap; all but the last have an end.
 * 2. They are those of exactly the batches that the log holds: a truncation within one opens it again. A log whose
 *    oldest segments were removed may begin within one, which ends below the checkpoint: what is left of it counts.
 */
export class TransactionIndex implements LoggedTransactions {
  #transactions: LoggedTransaction[] = [];
  /** Set while a log is scanned, from its first batch on until a transaction is met. */
  #scannedFrom: Offset | null = null;

  /** A scan begins at `start`. */
  beginScan(start: Offset): void {
    this.#transactions = [];
    this.#scannedFrom = start;
  }

  endScan(): void {
    this.#scannedFrom = null;
  }

  /** The log's next batch, encoded. */
  add(batch: LogBatch): void {
    const last = this.#transactions.at(-1);
    const open = last !== undefined && last.endOffset === null ? last : null;
    const { begins, ends, aborts } = transactionMarks(batch, open !== null || this.#scannedFrom !== null);
    const hasBegun = open !== null || begins;
    if (!hasBegun && !ends && !aborts) return;
    const begunAt = this.#scannedFrom ?? batch.baseOffset;
    this.#scannedFrom = null;
    if (open !== null) this.#transactions.pop();
    this.#transactions.push({
      baseOffset: open?.baseOffset ?? (begins ? batch.baseOffset : begunAt),
      endOffset: ends || aborts ? batchEndOffset(batch) : null,
      isAborted: aborts,
      bytes: (open?.bytes ?? 0) + batch.sizeInBytes,
      lastTimestampMs: Math.max(open?.lastTimestampMs ?? 0, batch.appendTimestampMs),
    });
  }

  truncateTo(to: Offset): void {
    const kept = this.#transactions.filter(({ baseOffset }) => baseOffset < to);
    const last = kept.at(-1);
    if (last !== undefined && (last.endOffset === null || last.endOffset > to)) {
      coverageMark('transaction: truncated within');
      kept.pop();
      kept.push({ ...last, endOffset: null, isAborted: false });
    }
    this.#transactions = kept;
  }

  /** The log begins at `start` now. */
  dropBelow(start: Offset): void {
    this.#transactions = this.#transactions.filter(
      ({ endOffset }) => endOffset === null || endOffset > start,
    );
  }

  reset(): void {
    this.#transactions = [];
  }

  around(at: Offset): LoggedTransaction | null {
    const before = this.#transactions[this.#countBelow(at) - 1];
    if (before === undefined) return null;
    return before.endOffset === null || before.endOffset > at ? before : null;
  }

  firstFrom(from: Offset): LoggedTransaction | null {
    return this.#transactions[this.#countBelow(from)] ?? null;
  }

  /** How many begin below `at`. */
  #countBelow(at: Offset): number {
    let low = 0;
    let high = this.#transactions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#transactions[middle]?.baseOffset ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The nearest offset at or below `at` at which a state stands: outside of every transaction. */
export function stableOffset(transactions: LoggedTransactions, at: Offset): Offset {
  return transactions.around(at)?.baseOffset ?? at;
}

/** A part of the log that is read at once. */
export type Stretch = {
  readonly from: Offset;
  readonly to: Offset;
  /** Where the state, or what is told of it, goes on from; below `from` where an aborted transaction is passed over. */
  readonly since: Offset;
};

/**
 * What to read of the log next, up to `to`, from `since` on: either what stands before the next transaction, or of one
 * transaction what is left of it, or the Abort alone of one that took no effect.
 */
export function nextStretch(transactions: LoggedTransactions, since: Offset, to: Offset): Stretch {
  const next = transactions.around(since) ?? transactions.firstFrom(since);
  if (next === null || next.baseOffset >= to) return { from: since, to, since };
  if (next.baseOffset > since) return { from: since, to: next.baseOffset, since };
  const { endOffset, isAborted } = next;
  assert(endOffset !== null, `nothing is read of the transaction at ${next.baseOffset}, which is open`);
  if (isAborted) return { from: (endOffset - 1) as Offset, to: endOffset, since };
  return { from: since, to: endOffset < to ? endOffset : to, since };
}
