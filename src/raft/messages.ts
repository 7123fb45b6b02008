import type { Epoch, NodeId, Offset, Uuid } from '../base/brands.ts';
import type { LogBatch } from './batch.ts';
import type { ReplicaKey } from './replica-key.ts';
import type { SnapshotId } from './snapshot-id.ts';

/**
 * What controllers say to each other. Messages may be lost, repeated, delayed and reordered: each
 * carries all that is needed to judge it alone. Every message names the cluster it belongs to, and its
 * sender's replica key is the one that the transport's handshake established.
 */
export type Message =
  | VoteRequest
  | VoteResponse
  | BeginQuorumEpochRequest
  | BeginQuorumEpochResponse
  | EndQuorumEpochRequest
  | EndQuorumEpochResponse
  | FetchRequest
  | FetchResponse
  | FetchSnapshotRequest
  | FetchSnapshotResponse;

export type MessageType = Message['type'];

/** Vote and pre-vote (Raft paper 5.2, 5.4.1; KIP-595, KIP-996). */
export type VoteRequest = {
  readonly type: 'voteRequest';
  readonly clusterId: Uuid;
  /** The candidate's epoch; in a pre-vote the epoch it has, which it has not raised. */
  readonly epoch: Epoch;
  readonly candidate: ReplicaKey;
  /** Whom the candidate believes it asks: a voter under another directory id must not answer for it. */
  readonly voter: ReplicaKey;
  readonly lastEpoch: Epoch;
  readonly logEndOffset: Offset;
  readonly preVote: boolean;
};

export type VoteResponse = {
  readonly type: 'voteResponse';
  readonly clusterId: Uuid;
  /** The answering node's epoch. */
  readonly epoch: Epoch;
  readonly leaderId: NodeId | null;
  readonly voter: ReplicaKey;
  readonly voteGranted: boolean;
  readonly preVote: boolean;
  /** The epoch of the request that is answered: an answer to an older request counts for nothing. */
  readonly requestEpoch: Epoch;
};

/** A new leader makes itself known to voters that do not fetch from it yet (KIP-595). */
export type BeginQuorumEpochRequest = {
  readonly type: 'beginQuorumEpochRequest';
  readonly clusterId: Uuid;
  readonly epoch: Epoch;
  readonly leader: ReplicaKey;
  readonly voter: ReplicaKey;
};

export type BeginQuorumEpochResponse = {
  readonly type: 'beginQuorumEpochResponse';
  readonly clusterId: Uuid;
  readonly epoch: Epoch;
  readonly leaderId: NodeId | null;
};

/** A leader that goes names those who should follow it, the furthest ahead first (KIP-595). */
export type EndQuorumEpochRequest = {
  readonly type: 'endQuorumEpochRequest';
  readonly clusterId: Uuid;
  readonly epoch: Epoch;
  readonly leader: ReplicaKey;
  readonly preferredSuccessors: readonly ReplicaKey[];
};

export type EndQuorumEpochResponse = {
  readonly type: 'endQuorumEpochResponse';
  readonly clusterId: Uuid;
  readonly epoch: Epoch;
  readonly leaderId: NodeId | null;
};

/**
 * A replica asks for what comes after its log end; for a current voter it is also the acknowledgement
 * of what it has flushed, and the echo of the read-barrier round it has seen.
 */
export type FetchRequest = {
  readonly type: 'fetchRequest';
  readonly clusterId: Uuid;
  readonly epoch: Epoch;
  readonly replica: ReplicaKey;
  readonly fetchOffset: Offset;
  /** Epoch of the record before `fetchOffset`; 0 at the beginning of an empty log. */
  readonly lastFetchedEpoch: Epoch;
  readonly flushedOffset: Offset;
  readonly highWatermark: Offset;
  /** The latest round this replica has seen from this leader in this epoch; 0 before any. */
  readonly round: number;
  /**
   * Numbers a replica's fetches, so that an answer is matched to its question. Grows per process, from a
   * random start. A fetch that repeats a number only acknowledges a flush, and gets no second answer.
   */
  readonly fetchId: number;
  /** Room on this replica's disk. No records are sent to one whose space is exhausted (design 20). */
  readonly space: SpaceStatus;
};

/**
 * `low`: below the reserve, so that no client's write is taken and a leader rather leaves. `exhausted`: so
 * little is left that nothing more is appended for another leader; votes are cast all the same (design 20).
 */
export type SpaceStatus = 'enough' | 'low' | 'exhausted';

export type FetchResponse = {
  readonly type: 'fetchResponse';
  readonly clusterId: Uuid;
  readonly epoch: Epoch;
  readonly leaderId: NodeId | null;
  readonly fetchId: number;
  readonly outcome: FetchOutcome;
};

export type FetchOutcome =
  | FetchedRecords
  | {
      /** The logs part ways: the follower truncates to at most `endOffset` (KIP-595). */
      readonly kind: 'diverging';
      readonly divergingEpoch: Epoch;
      readonly endOffset: Offset;
    }
  | {
      /** The follower is behind the log's start and must take this snapshot (KIP-630). */
      readonly kind: 'snapshot';
      readonly snapshotId: SnapshotId;
    }
  | {
      readonly kind: 'refused';
      /**
       * NOT_LEADER_OR_FOLLOWER: ask `leaderId`. FENCED_LEADER_EPOCH: your epoch is old.
       * UNKNOWN_LEADER_EPOCH: your epoch is ahead of mine.
       */
      readonly error: 'NOT_LEADER_OR_FOLLOWER' | 'FENCED_LEADER_EPOCH' | 'UNKNOWN_LEADER_EPOCH';
    };

export type FetchedRecords = {
  readonly kind: 'records';
  /** Where `batches` begin: the request's `fetchOffset`. */
  readonly fetchOffset: Offset;
  readonly highWatermark: Offset;
  readonly logStartOffset: Offset;
  /** The leader's log end when it answered; a recovering replica must reach it (design 19). */
  readonly logEndOffset: Offset;
  /**
   * The offset of the leader's LeaderChange record; the leader has committed in its own epoch once its high
   * watermark is above it.
   */
  readonly epochStartOffset: Offset;
  readonly round: number;
  readonly batches: readonly LogBatch[];
};

export type FetchSnapshotRequest = {
  readonly type: 'fetchSnapshotRequest';
  readonly clusterId: Uuid;
  readonly epoch: Epoch;
  readonly replica: ReplicaKey;
  readonly snapshotId: SnapshotId;
  /** Bytes of the snapshot's stream that the asker holds already. */
  readonly position: number;
  readonly maxBytes: number;
};

export type FetchSnapshotResponse = {
  readonly type: 'fetchSnapshotResponse';
  readonly clusterId: Uuid;
  readonly epoch: Epoch;
  readonly leaderId: NodeId | null;
  readonly snapshotId: SnapshotId;
  readonly outcome:
    | {
        readonly kind: 'chunk';
        readonly position: number;
        readonly bytes: Uint8Array;
        /** CRC-32 of `bytes`; the receiver checks it before the core sees the message. */
        readonly crc: number;
        /** True on the stream's last chunk. */
        readonly last: boolean;
      }
    | {
        readonly kind: 'refused';
        /** SNAPSHOT_NOT_FOUND: fetch again to learn of the current one. POSITION_OUT_OF_RANGE: begin anew. */
        readonly error:
          | 'NOT_LEADER_OR_FOLLOWER'
          | 'FENCED_LEADER_EPOCH'
          | 'UNKNOWN_LEADER_EPOCH'
          | 'SNAPSHOT_NOT_FOUND'
          | 'POSITION_OUT_OF_RANGE';
      };
};
