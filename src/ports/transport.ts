import type { NodeId } from '../base/brands.ts';
import type { ForwardMessage, PeerMessage } from '../codec/peer-message-types.ts';
import type { Endpoint, ReplicaKey } from '../raft/replica-key.ts';

/**
 * Peers, by messages that may be lost, repeated, delayed and reordered. `send` never blocks and never
 * fails: what cannot be queued is dropped, and the protocol repeats what it still needs.
 *
 * A forwarded request is the exception: it is delivered at most once, and never sent again over another
 * connection, because a write that has no key would be executed twice.
 */
export type Transport = {
  send(to: NodeId, message: PeerMessage): void;
  /** Where peers are to be found; a changed endpoint closes the old connection. */
  setEndpoints(endpoints: ReadonlyMap<NodeId, Endpoint>): void;
  close(complete: () => void): void;
};

/** What arrives. Calls come one at a time, never from within a call to the transport. */
export type TransportEvents = {
  onMessage(from: ReplicaKey, message: PeerMessage): void;
  onConnectionOpened(peer: NodeId): void;
  /** `refused`: a reconnect was tried at once and nobody listens there. */
  onConnectionClosed(peer: NodeId, refused: boolean): void;
  /**
   * No byte of this message was or will be sent, so a forwarded request was not executed and may be
   * tried again. What was being sent when a connection closed is not reported here: its fate is unknown.
   */
  onForwardDropped?(to: NodeId, message: ForwardMessage): void;
};

/**
 * What travels between controllers. The types stand beside their codec, which is on a lower floor;
 * whoever speaks of peers finds them here.
 */
export type { BootstrapMessage } from '../raft/bootstrap/messages.ts';
export type { ForwardMessage, IdempotencyKey, PeerMessage } from '../codec/peer-message-types.ts';
