import type { Epoch, NodeId, Offset } from '../base/brands.ts';
import type { LogBatch } from './batch.ts';
import type { IoId } from './inputs.ts';
import type { FetchedRecords, FetchResponse, FetchSnapshotResponse, Message } from './messages.ts';
import type { QuorumState } from './quorum-state.ts';
import type { SnapshotId } from './snapshot-id.ts';

/**
 * Everything the core may ask of its shell. The shell carries effects out in the order given.
 *
 * Ordering contract
 * 1. I/O effects (`persistQuorumState`, `appendBatches`, `truncateLog`, `storeSnapshotChunk`,
 *    `installSnapshot`) carry a growing `ioId`. Log effects take effect in memory in order and reach the
 *    disk in order; a flush may cover several of them.
 * 2. An effect with `after` waits until the I/O with that id has completed, and is dropped when the
 *    process ends before. Nothing else waits.
 * 3. A completion is handed back as an input, never from within `step`.
 */
export type Effect =
  | {
      readonly type: 'persistQuorumState';
      readonly ioId: IoId;
      readonly state: QuorumState;
    }
  | {
      /** Append at the log's end, in memory at once and then to disk; `logFlushed` answers. */
      readonly type: 'appendBatches';
      readonly ioId: IoId;
      readonly batches: readonly LogBatch[];
    }
  | {
      /** Drop every record at `to` and above; `logTruncated` answers when that is durable. */
      readonly type: 'truncateLog';
      readonly ioId: IoId;
      readonly to: Offset;
    }
  | {
      readonly type: 'sendMessage';
      readonly to: NodeId;
      readonly message: Message;
      /** Sent only after this I/O has completed. */
      readonly after?: IoId;
    }
  | {
      /**
       * Send `response` with `outcome.batches` filled by whole batches read from the log: from
       * `outcome.fetchOffset`, at least one batch, at most `maxBytes` otherwise, none at or above
       * `endOffset`.
       * A later `truncateLog` below what it would read cancels it.
       */
      readonly type: 'sendLogRange';
      readonly to: NodeId;
      readonly response: FetchResponse & { readonly outcome: FetchedRecords };
      readonly endOffset: Offset;
      readonly epoch: Epoch;
      readonly maxBytes: number;
    }
  | {
      /**
       * Send one chunk of a snapshot's byte stream; the shell fills in bytes, CRC and `last`, or
       * SNAPSHOT_NOT_FOUND.
       */
      readonly type: 'sendSnapshotChunk';
      readonly to: NodeId;
      readonly response: Omit<FetchSnapshotResponse, 'outcome'>;
      readonly position: number;
      readonly maxBytes: number;
    }
  | {
      /** A chunk at position 0 begins a new stream: what was stored of an earlier one is thrown away. */
      readonly type: 'storeSnapshotChunk';
      readonly ioId: IoId;
      readonly snapshotId: SnapshotId;
      readonly position: number;
      readonly bytes: Uint8Array;
      readonly last: boolean;
    }
  | {
      /** Verify the stored chunks, replace state and log by the snapshot, answer `snapshotInstalled`. */
      readonly type: 'installSnapshot';
      readonly ioId: IoId;
      readonly snapshotId: SnapshotId;
    }
  | {
      /** Records in [from, to) are committed: replay them and answer `applied`. */
      readonly type: 'applyCommitted';
      readonly from: Offset;
      readonly to: Offset;
    }
  | {
      readonly type: 'highWatermarkAdvanced';
      readonly highWatermark: Offset;
    }
  | {
      readonly type: 'roleChanged';
      readonly role: RoleName;
      readonly epoch: Epoch;
      readonly leaderId: NodeId | null;
      /** A leader's LeaderChange record; it serves once everything up to its epoch's start is applied. */
      readonly epochStartOffset: Offset | null;
      /** The log end after the leader's own control records: where its first proposal must begin. */
      readonly logEndOffset: Offset;
    }
  | {
      /** Committed: every record of the proposal is below the high watermark. */
      readonly type: 'completeProposal';
      readonly proposalId: number;
      readonly baseOffset: Offset;
      readonly endOffset: Offset;
    }
  | {
      readonly type: 'failProposal';
      readonly proposalId: number;
      /**
       * `OUTCOME_UNKNOWN`: it was appended here, leadership was lost, and it may yet be committed by another leader
       * (design 10). Anything else: nothing was appended, and it may be tried again.
       */
      readonly reason: 'EPOCH_MISMATCH' | 'OFFSET_MISMATCH' | 'TOO_MANY_PENDING' | VoterChangeError;
    }
  | {
      readonly type: 'completeReadBarrier';
      readonly barrierId: number;
      /** A read at this offset or above is linearizable. */
      readonly offset: Offset;
    }
  | {
      readonly type: 'failReadBarriers';
      readonly barrierIds: readonly number[];
    }
  | {
      readonly type: 'voterChangeAnswered';
      readonly requestId: number;
      readonly error: VoterChangeError | null;
    }
  | {
      /**
       * A peer sent what no correct peer sends, and it was ignored; the shell logs it. To close the connection
       * would add nothing: the peer would connect anew, and say the same again.
       */
      readonly type: 'badMessage';
      readonly from: NodeId;
      readonly reason: string;
    };

export type EffectType = Effect['type'];

export type RoleName = 'unattached' | 'follower' | 'prospective' | 'candidate' | 'leader' | 'resigned';

export type VoterChangeError =
  | 'NOT_LEADER'
  | 'HIGH_WATERMARK_UNKNOWN'
  | 'CHANGE_PENDING'
  | 'NOT_ONE_VOTER'
  | 'UNSUPPORTED_VERSION'
  | 'NOT_CAUGHT_UP'
  | 'OUTCOME_UNKNOWN';
