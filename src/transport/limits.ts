import { assert } from '../base/assert.ts';
import { codecLimits } from '../codec/limits.ts';

/** Every bound of the transport in one place; times in ms. `checkLimits` asserts how they relate. */
export type TransportLimits = {
  /** The largest message in a frame, in encoded bytes. */
  readonly messageBytesMax: number;
  /** What waits for one peer and is not yet handed to its socket. */
  readonly queueMessagesMax: number;
  readonly queueBytesMax: number;
  /** What one socket holds that the kernel has not taken yet. */
  readonly socketBytesMax: number;
  /** From dialling, or from accepting, to the end of the handshake, TLS included. */
  readonly handshakeTimeoutMs: number;
  /** How often a dialler asks for a sign of life. */
  readonly pingIntervalMs: number;
  /** A connection on which nothing arrived for so long is cut off: the peer is half-open or hung. */
  readonly silenceMaxMs: number;
  /** A connection whose socket took nothing for so long is cut off: the peer does not read. */
  readonly writeStallMaxMs: number;
  readonly reconnectBackoffMs: number;
  readonly reconnectBackoffMaxMs: number;
  /** How long the news of a closed connection waits for the outcome of the reconnect. */
  readonly closedHintWaitMs: number;
  /** After so long a lookup is not waited for, and the last good address is used. */
  readonly lookupTimeoutMs: number;
  readonly acceptedConnectionsMax: number;
  /** Accepted and not yet through the handshake; the oldest gives way to a newer one. */
  readonly pendingHandshakesMax: number;
  /** How long `close` goes on sending what was queued. */
  readonly closeFlushMs: number;
};

export const defaultTransportLimits: TransportLimits = {
  messageBytesMax: codecLimits.peerMessageBytesMax,
  queueMessagesMax: 4096,
  queueBytesMax: 2 * codecLimits.peerMessageBytesMax,
  socketBytesMax: 1_048_576,
  handshakeTimeoutMs: 5_000,
  pingIntervalMs: 1_000,
  silenceMaxMs: 6_000,
  writeStallMaxMs: 6_000,
  reconnectBackoffMs: 20,
  reconnectBackoffMaxMs: 1_000,
  closedHintWaitMs: 250,
  lookupTimeoutMs: 1_000,
  acceptedConnectionsMax: 256,
  pendingHandshakesMax: 32,
  closeFlushMs: 500,
};

/** A frame's length is an unsigned 32-bit integer; half of that leaves no doubt about its sign. */
const frameLengthMax = 2 ** 31 - 1;

export function checkLimits(limits: TransportLimits): void {
  for (const [name, value] of Object.entries(limits)) {
    assert(
      Number.isSafeInteger(value) && value >= 1,
      `${name} must be an integer of at least 1, not ${value}`,
    );
  }
  assert(limits.messageBytesMax < frameLengthMax, 'a frame must be able to hold the largest message');
  assert(limits.queueBytesMax >= limits.messageBytesMax, 'a queue must be able to hold the largest message');
  assert(limits.silenceMaxMs >= 2 * limits.pingIntervalMs, 'a peer must have the time to answer a ping');
  assert(
    limits.reconnectBackoffMaxMs >= limits.reconnectBackoffMs,
    'the longest backoff is the first or longer',
  );
  assert(
    limits.acceptedConnectionsMax > limits.pendingHandshakesMax,
    'strangers in the handshake must leave room for peers',
  );
}
