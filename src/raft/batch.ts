import type { Epoch, Offset } from '../base/brands.ts';
import type { ControlRecord } from './control-records.ts';

/**
 * One batch of the log as the core sees it. A batch is atomic: it is appended, fetched, truncated
 * and applied whole.
 *
 * Invariants
 * 1. `recordCount` is at least 1, and a control batch's `recordCount` is `records.length`.
 * 2. Every record of a batch carries the batch's `epoch`.
 * 3. The batches of one `LogBatch[]` are contiguous: each `baseOffset` is the end of the one before.
 *
 * `bytes` is the encoded batch, header included, exactly as the leader made it; the core never reads
 * it. It is absent in a batch that this node, being leader, makes now (the shell encodes it).
 * `sizeInBytes` counts toward limits; for a batch without bytes yet it is the payload's size.
 */
export type LogBatch = DataBatch | ControlBatch;

type BatchHeader = {
  readonly baseOffset: Offset;
  readonly epoch: Epoch;
  readonly recordCount: number;
  /**
   * The leader's wall clock at append, in ms since 1970; never decreasing in the log. The core has no
   * calendar: in a control batch that it makes now this is the latest time that it has seen, perhaps 0,
   * and the shell that encodes the batch raises it to its own clock.
   */
  readonly appendTimestampMs: number;
  readonly sizeInBytes: number;
};

export type DataBatch = BatchHeader & {
  readonly kind: 'data';
  /** A batch fetched or read: the whole batch as stored. A batch made now: its encoded records only. */
  readonly body: BatchBody;
};

export type ControlBatch = BatchHeader & {
  readonly kind: 'control';
  readonly records: readonly ControlRecord[];
  readonly body: BatchBody;
};

/**
 * `encoded`: the whole batch as the leader made it, header and chained CRC included.
 * `payload`: the encoded records of a data batch that is being made; the log puts the header before it.
 * `none`: a control batch that is being made; the log encodes its `records`.
 */
export type BatchBody =
  | { readonly form: 'encoded'; readonly bytes: Uint8Array }
  | { readonly form: 'payload'; readonly bytes: Uint8Array }
  | { readonly form: 'none' };

/** The offset after a batch's last record (exclusive end). */
export function batchEndOffset(batch: LogBatch): Offset {
  return (batch.baseOffset + batch.recordCount) as Offset;
}
