import type { Epoch, NodeId, Offset, Uuid } from '../base/brands.ts';
import type { Result } from '../base/result.ts';
import type { ErrorCode } from '../metadata/errors.ts';
import type { TokenRow } from '../metadata/resources/token/resource.ts';
import type { IdempotencyKey } from '../ports/transport.ts';
import type { RoleName } from '../raft/effects.ts';
import type { Voter } from '../raft/replica-key.ts';
import type { NodeMetrics } from './measurements/node-metrics.ts';
import type { WatchHandle, WatchListener, WatchRequest } from './watch/watch-api.ts';

/**
 * The controller node as HTTP and embedders see it: batched, serialisable submit and completion
 * (design, "Running"), so that HTTP may move to a worker thread without a change here.
 */
export type ControllerApi = {
  /** Hands in requests; each is answered exactly once through `complete`, never from within this call. */
  submit(requests: readonly ControllerRequest[], complete: (answer: ControllerAnswer) => void): void;
  /** Where this node stands now; never waits for the quorum. */
  status(): NodeStatus;
  /**
   * Committed batches of this node's log, for people to read; absent when the node does not offer it.
   * Whole batches that begin at or hold `from`, at least one when there is any, and otherwise no more than
   * `maxRecords` records. Answers once, never from within this call.
   */
  readLog?(
    request: { readonly from: Offset; readonly maxRecords: number },
    complete: (result: Result<LogSlice, LogSliceError>) => void,
  ): void;
  /** What this node has measured; absent when it measures nothing. Answers once, perhaps from within this call. */
  metrics?(complete: (metrics: NodeMetrics) => void): void;
  /**
   * Begins a stream of what this node commits (`watch/README.md`); absent when the node does not offer it.
   * Nothing is told to `listener` from within this call or a call of the handle.
   */
  openWatch?(request: WatchRequest, listener: WatchListener): WatchHandle;
  /** Snapshots that this node holds, oldest first; absent when the node does not tell. */
  snapshots?(): readonly SnapshotView[];
  /**
   * Takes a snapshot of what this node has applied, unless the newest one holds it already. Answers once, never
   * from within this call.
   */
  takeSnapshot?(complete: (result: Result<SnapshotView, SnapshotError>) => void): void;
  /**
   * A token of this node's committed image; null when it has none of that id. Absent where there are none,
   * and then nobody is known.
   */
  findToken?(tokenId: Uuid): TokenRow | null;
  /**
   * True when `bareIdempotencyKey` is remembered (design 14). Where it is not, such keys are refused at
   * the border: a promise of exactly once is never dropped without a word.
   */
  readonly acceptsBareIdempotencyKeys?: boolean;
};

/** A stretch of one node's log: what a person who debugs wants to see. */
export type LogSlice = {
  readonly logStartOffset: Offset;
  /** The high watermark: nothing at or above it is shown. */
  readonly endOffset: Offset;
  /** Where to go on; equals `endOffset` when there is no more. */
  readonly nextOffset: Offset;
  readonly batches: readonly LogBatchView[];
};

export type LogBatchView = {
  readonly baseOffset: Offset;
  readonly epoch: Epoch;
  readonly appendTimestampMs: number;
  readonly kind: 'data' | 'control';
  readonly sizeInBytes: number;
  readonly records: readonly LogRecordView[];
};

export type LogRecordView = {
  readonly offset: Offset;
  /** The record's name, `TopicRecord`. */
  readonly type: string;
  /** The record's fields as plain JSON values. */
  readonly value: Readonly<Record<string, unknown>>;
};

export type LogSliceError = {
  /** NOT_CONTROLLER: the node has no log yet, or none any more. */
  readonly code: 'OFFSET_OUT_OF_RANGE' | 'NOT_CONTROLLER' | 'UNKNOWN_SERVER_ERROR';
  readonly message: string;
  readonly logStartOffset: Offset;
};

/** A checkpoint that a replica far behind may be sent: the whole state at its end. */
export type SnapshotView = {
  /** Exclusive: it holds every record below. */
  readonly endOffset: Offset;
  readonly epoch: Epoch;
  /** Wall clock of the last batch that it holds, in ms since 1970. */
  readonly timestampMs: number;
  readonly pageCount: number;
};

export type SnapshotError = {
  readonly code: 'STORAGE_LOW' | 'VOTER_CHANGE_PENDING' | 'NOT_CONTROLLER';
  readonly message: string;
};

export type ControllerRequest = {
  /** Chosen by the caller; echoed in the answer. */
  readonly requestId: number;
  readonly operationId: string;
  /** Params, query and body, already checked against the operation's schemas. */
  readonly input: { readonly params: unknown; readonly query: unknown; readonly body: unknown };
  readonly principal: string;
  /** The token that the caller has shown: it must still be honoured where the request is executed. */
  readonly tokenId?: Uuid | null;
  readonly idempotencyKey: IdempotencyKey | null;
  /** A key of the caller's own choice, without a session; never given together with `idempotencyKey`. */
  readonly bareIdempotencyKey?: string | null;
  readonly consistency: 'linearizable' | 'stale';
  /** The answer's offset must be at least this; null for no demand. */
  readonly minOffset: Offset | null;
  /**
   * A read of the state at this very offset, which any node that holds it answers; null or absent for the present.
   */
  readonly atOffset?: Offset | null;
  /** Offset of last modification that the resource must still have; null for no condition. */
  readonly ifMatch: Offset | null;
  /**
   * Only says what a write would do: it is judged by the image as any write, appends nothing, and is neither
   * looked up nor remembered under a key.
   */
  readonly validateOnly?: boolean;
  /** How long the caller waits, in ms from now. */
  readonly timeoutMs: number;
};

export type ControllerAnswer = {
  readonly requestId: number;
  /** Committed offset (exclusive end) that this answer reflects (design 10). */
  readonly offset: Offset;
  readonly epoch: Epoch;
  readonly leaderId: NodeId | null;
  /** True when another node, the leader, has executed it. */
  readonly forwarded: boolean;
  /** Offset that last modified the one resource which the answer shows; it becomes the `ETag`. */
  readonly modifiedOffset?: Offset | null;
  readonly result:
    | { readonly ok: true; readonly response: unknown }
    | {
        readonly ok: false;
        readonly code: ErrorCode;
        readonly message: string;
        readonly details: Readonly<Record<string, unknown>> | null;
        readonly retryAfterMs: number | null;
      };
};

export type NodeStatus = {
  readonly nodeId: NodeId;
  readonly directoryId: Uuid;
  /** Null until the quorum was bootstrapped. */
  readonly clusterId: Uuid | null;
  readonly role: RoleName | 'starting' | 'stopped';
  readonly isObserver: boolean;
  readonly recovering: boolean;
  readonly epoch: Epoch;
  /** Null also while it asks for votes beforehand: the one that it followed last has not answered for too long. */
  readonly leaderId: NodeId | null;
  /** True on the leader once it serves: everything up to its epoch's start is applied. */
  readonly active: boolean;
  readonly highWatermark: Offset;
  /** The highest that a leader has named since this node started, however far its own log reaches; null at first. */
  readonly leaderHighWatermark: Offset | null;
  readonly logStartOffset: Offset;
  readonly logEndOffset: Offset;
  readonly flushedOffset: Offset;
  readonly appliedOffset: Offset;
  readonly latestSnapshotOffset: Offset | null;
  /** Snapshot chunks received since the process started. */
  readonly snapshotChunksReceived: number;
  readonly lowOnSpace: boolean;
  /** After this long without a heartbeat the leader fences a broker; brokers take their lease from it. */
  readonly brokerSessionTimeoutMs?: number;
  /** ms since this node last heard from a leader in its epoch, or as leader from a majority; null when never. */
  readonly lastContactMs: number | null;
  /** ms for which the oldest write to this node's disk that has not ended is under way; null when there is none. */
  readonly oldestWriteMs: number | null;
  /** ms for which nothing was committed though this node's log holds more; null when all of it is committed. */
  readonly commitStuckMs: number | null;
  /** ms for which there is something committed that is not applied while nothing is applied; null when all is. */
  readonly applyStuckMs: number | null;
  readonly voters: readonly Voter[];
  /** The leader's view of each replica; empty on others. */
  readonly replicas: readonly ReplicaStatus[];
  /** Digest of the committed image at `appliedOffset`, for comparing nodes; computed on demand. */
};

export type ReplicaStatus = {
  readonly id: NodeId;
  readonly directoryId: Uuid;
  readonly isVoter: boolean;
  readonly logEndOffset: Offset;
  /** ms since its last fetch, and since it was last caught up; null when never in this epoch. */
  readonly lastFetchMs: number | null;
  readonly lastCaughtUpMs: number | null;
};
