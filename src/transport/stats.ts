import type { NodeId, Uuid } from '../base/brands.ts';
import type { Endpoint } from '../raft/replica-key.ts';

/** What the transport has seen since it was made; counters never decrease. */
export type TransportStats = {
  readonly listening: Endpoint | null;
  /** Accepted connections that did not get through TLS or the handshake. */
  readonly refusedHandshakes: number;
  /** Messages to nodes for which there is neither an endpoint nor a connection. */
  readonly droppedUnknownPeer: number;
  readonly peers: readonly PeerStats[];
};

export type PeerStats = PeerCounters & {
  readonly id: NodeId;
  /** Null until a handshake has told it. */
  readonly directoryId: Uuid | null;
  readonly endpoint: Endpoint | null;
  /** Whether a message sent now goes out at once. */
  readonly connected: boolean;
  /** Whether the peer's own connection stands, over which it sends. */
  readonly accepted: boolean;
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  /** How long the last sign of life took; null before any. */
  readonly roundTripMs: number | null;
};

export type PeerCounters = {
  readonly sentMessages: number;
  readonly sentBytes: number;
  readonly receivedMessages: number;
  readonly receivedBytes: number;
  readonly droppedMessages: number;
  readonly connectionsOpened: number;
  /** Code and message of the last failure; null when there was none. */
  readonly lastError: string | null;
};
