import type { BootstrapMessage } from '../raft/bootstrap/messages.ts';
import type { Message } from '../raft/messages.ts';

/** Raft's own messages, and the requests that controllers pass on to each other. */
export type PeerMessage =
  | { readonly channel: 'raft'; readonly message: Message }
  /** See `src/raft/bootstrap/`: its messages travel before a cluster id exists. */
  | { readonly channel: 'bootstrap'; readonly message: BootstrapMessage }
  | { readonly channel: 'forward'; readonly message: ForwardMessage };

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
