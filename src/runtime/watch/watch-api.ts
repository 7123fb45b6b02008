import type { Epoch, NodeId, Offset, Uuid } from '../../base/brands.ts';
import type { ErrorCode } from '../../metadata/errors.ts';
import type { WatchedKind } from '../../metadata/registry.ts';

/**
 * A watch as whoever watches sees it: events, in one order, about committed records only. The README of this
 * folder states what the order promises.
 */
export type WatchEvent =
  | WatchStateBegin
  | WatchStateSlice
  | WatchStateEnd
  | WatchDelta
  | WatchBookmark
  | WatchHeartbeat;

/** The state below `offset` follows as records, in slices, and is whole at its `stateEnd`. */
export type WatchStateBegin = {
  readonly kind: 'stateBegin';
  readonly offset: Offset;
  readonly epoch: Epoch;
  readonly timestampMs: number;
};

export type WatchStateSlice = { readonly kind: 'state'; readonly records: readonly WatchStateRecord[] };

export type WatchStateEnd = { readonly kind: 'stateEnd'; readonly offset: Offset };

/**
 * One committed batch, with those of its records that were asked for; one of the quorum's own has none. A transaction
 * is several that `continues` ties together, so that frames stay bounded; an aborted one is a single delta, of its
 * Abort.
 */
export type WatchDelta = {
  readonly kind: 'delta';
  readonly baseOffset: Offset;
  /** Exclusive: where to resume once this delta was taken in. */
  readonly endOffset: Offset;
  readonly epoch: Epoch;
  readonly timestampMs: number;
  readonly records: readonly WatchRecord[];
  /** It is a part of a transaction of which the next delta has more: nothing of it counts before the last of them. */
  readonly continues?: true;
  /** Of a whole transaction, as clients are given it: the deltas that it came in. */
  readonly parts?: readonly WatchDelta[];
};

/** Everything below `offset` that was asked for was sent: a place to resume from. */
export type WatchBookmark = { readonly kind: 'bookmark'; readonly offset: Offset };

/** Nothing has happened, and the stream is alive. */
export type WatchHeartbeat = { readonly kind: 'heartbeat' };

export type WatchRecord = {
  readonly offset: Offset;
  /** The record's name, `TopicRecord`. */
  readonly type: string;
  /** Its fields; bytes are byte arrays. */
  readonly value: Readonly<Record<string, unknown>>;
};

/** A row of the state as a record; `offset` is where it was changed last. */
export type WatchStateRecord = WatchRecord & { readonly timestampMs: number };

export type WatchRequest = {
  /** Everything below is known: the stream goes on with the batch that holds it. Null: begin with the state. */
  readonly since: Offset | null;
  /** The cluster that `since` is an offset of; null when the caller does not say. */
  readonly clusterId: Uuid | null;
  /** Records of these kinds only; null for all of them. */
  readonly kinds: readonly WatchedKind[] | null;
};

/** Where a stream begins. */
export type WatchBegin = {
  readonly nodeId: NodeId;
  readonly clusterId: Uuid;
  /** The committed state of this node as it begins. */
  readonly offset: Offset;
  readonly logStartOffset: Offset;
};

/** Why a stream ends, or does not begin. */
export type WatchEnd = {
  readonly code: WatchEndCode;
  readonly message: string;
  /** Where to resume, on this node or another; null when it must begin anew with the state. */
  readonly position: Offset | null;
  readonly logStartOffset: Offset | null;
};

export type WatchEndCode = Extract<
  ErrorCode,
  | 'OFFSET_OUT_OF_RANGE'
  | 'INCONSISTENT_CLUSTER_ID'
  | 'NOT_CONTROLLER'
  | 'THROTTLING_QUOTA_EXCEEDED'
  | 'SASL_AUTHENTICATION_FAILED'
  | 'UNKNOWN_RESOURCE_KIND'
  | 'UNKNOWN_SERVER_ERROR'
>;

/** Called in this order: `begun` at most once, `events` once for each `more`, `ended` at most once and last. */
export type WatchListener = {
  begun(begin: WatchBegin): void;
  /** At least one event. Arrays and deltas are shared among watchers: what is made of one can be kept by it. */
  events(events: readonly WatchEvent[]): void;
  ended(end: WatchEnd): void;
};

/** Nothing is told within a call of these two. */
export type WatchHandle = {
  /** Asks for the next events; those before were taken. Without it nothing comes, and nothing is kept. */
  more(): void;
  /** Nothing is told any more. */
  close(): void;
};
