import type { NodeId } from '../base/brands.ts';
import type { Message } from '../raft/messages.ts';
import type { Endpoint, ReplicaKey } from '../raft/replica-key.ts';

/**
 * Peers, by messages that may be lost, repeated, delayed and reordered. `send` never blocks and never
 * fails: what cannot be queued is dropped, and the protocol repeats what it still needs.
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

/** Raft's own messages, and the requests that controllers pass on to each other. */
export type PeerMessage =
  | { readonly channel: 'raft'; readonly message: Message }
  | { readonly channel: 'bootstrap'; readonly message: BootstrapMessage }
  | { readonly channel: 'forward'; readonly message: ForwardMessage };

/** See `src/raft/bootstrap/`: its messages travel before a cluster id exists. */
export type { BootstrapMessage } from '../raft/bootstrap/messages.ts';
import type { BootstrapMessage } from '../raft/bootstrap/messages.ts';

/** A client's request that a follower hands to the leader, one hop, and its answer (design, "Running"). */
export type ForwardMessage =
  | {
      readonly type: 'forwardRequest';
      readonly requestId: number;
      readonly operationId: string;
      /** JSON of the operation’s input and of the conditions on its answer; see `runtime/forwarding.ts`. */
      readonly input: Uint8Array;
      readonly idempotencyKey: IdempotencyKey | null;
      readonly principal: string;
      /** How long the asker goes on waiting, in ms from the sending. */
      readonly deadlineMs: number;
    }
  | { readonly type: 'forwardResponse'; readonly requestId: number; readonly answer: Uint8Array };

/** A session's id and the sequence within it (design 14). */
export type IdempotencyKey = {
  readonly sessionId: number;
  readonly sequence: number;
  readonly forgetBelow: number;
};
