import type { Epoch, Offset } from '../../base/brands.ts';
import type { Result } from '../../base/result.ts';
import type { LogBatch } from '../../raft/batch.ts';
import type { EpochStart, VoterSetAt } from '../../raft/config.ts';
import type { IoId } from '../../raft/inputs.ts';
import type { SnapshotId } from '../../raft/snapshot-id.ts';
import type { LoggedTransactions } from './transaction-index.ts';

/**
 * The metadata log of one node: our own checksummed segments over `ports/files` (design 17, 19, 20).
 *
 * Contract
 * 1. `append` and `truncate` take effect for `read` at once and reach the disk in the order of the calls.
 *    One flush at a time; everything appended while it runs forms the next group.
 * 2. `onFlushed(ioId)` means that everything up to and with that call is on disk; ids grow, and one call
 *    may cover several. `onTruncated(ioId)` likewise for a truncation.
 * 3. After `onFailed` nothing more completes: the node stops and recovers from disk.
 */
export type RaftLog = {
  append(ioId: IoId, batches: readonly LogBatch[]): void;
  truncate(ioId: IoId, to: Offset): void;
  /**
   * Whole encoded batches from `from` (a batch's base offset) below `to`: at least one, and otherwise no
   * more than `maxBytes` and `batchesPerReadMax` of them. Calls back at once when they are in memory.
   * CANCELLED: truncated meanwhile. BELOW_LOG_START: they were deleted.
   */
  read(
    from: Offset,
    to: Offset,
    maxBytes: number,
    complete: (result: Result<readonly LogBatch[], LogReadError>) => void,
  ): void;
  /** Forget everything and begin anew, empty, at `at`: a snapshot was installed. Answers by `onTruncated`. */
  resetTo(ioId: IoId, at: SnapshotId, chainCrc: number): void;
  /** Delete whole segments below `logStart`; whatever is still needed of a segment keeps all of it. */
  cleanTo(logStart: SnapshotId): void;
  /** CRC that chains the batch which would begin at `offset`; only for batch boundaries still in the log. */
  chainCrcAt(offset: Offset): number | null;
  /** Where metadata transactions stand in it, those that are not committed yet included. */
  readonly transactions: LoggedTransactions;
  readonly endOffset: Offset;
  readonly flushedOffset: Offset;
  readonly bytesOnDisk: number;
  close(complete: () => void): void;
};

export type LogReadError = {
  readonly code: 'CANCELLED' | 'BELOW_LOG_START' | 'CORRUPT' | 'IO';
  readonly message: string;
};

export type RaftLogEvents = {
  onFlushed(ioId: IoId): void;
  onTruncated(ioId: IoId): void;
  onFailed(error: { readonly file: string; readonly message: string }): void;
};

export type KRaftVersionAt = { readonly offset: Offset; readonly kraftVersion: number };

/** What opening a log found. */
export type LogRecovery = {
  readonly logStart: SnapshotId;
  readonly endOffset: Offset;
  readonly lastEpoch: Epoch;
  readonly epochStarts: readonly EpochStart[];
  readonly voterSets: readonly VoterSetAt[];
  /** Of the last KRaftVersion record that the log holds; null where it holds none. */
  readonly kraftVersion: KRaftVersionAt | null;
  /** The last frame was torn, was provably never acknowledged, and was cut. */
  readonly tornTail: { readonly file: string; readonly position: number } | null;
  /** Corruption: everything at and after `endOffset` was set aside; the node must become `recovering`. */
  readonly corruption: { readonly file: string; readonly position: number; readonly reason: string } | null;
};
