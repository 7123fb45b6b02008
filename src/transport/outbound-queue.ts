import { assert, assertDefined } from '../base/assert.ts';
import type { ForwardMessage, PeerMessage } from '../ports/transport.ts';

/** An encoded message on its way; none of its bytes has been handed to a socket. */
export type OutboundItem = {
  readonly message: PeerMessage;
  /** The encoded message, in pieces that nobody changes any more. */
  readonly parts: readonly Uint8Array[];
  readonly sizeInBytes: number;
};

export type QueueLimits = { readonly messagesMax: number; readonly bytesMax: number };

/** Takes what was given up; for a forwarded message that is news for the one who waits. */
export type DropListener = (item: OutboundItem) => void;

/**
 * What waits to be sent to one peer. It never blocks and never grows past its limits.
 *
 * When it is full, Raft's newest message wins: the oldest of Raft's gives way, since the protocol repeats
 * what it still needs and the newest says the most. A forwarded message is refused instead, so that the
 * client hears at once, and forwarded messages make room before Raft's newest is given up
 * (design, "Running": Raft goes before administration).
 *
 * Invariants
 * 1. `messages` <= `messagesMax` and `bytes` <= `bytesMax`.
 * 2. `bytes` is the sum over all items.
 * 3. Items leave in the order in which they came.
 */
export class OutboundQueue {
  readonly #limits: QueueLimits;
  readonly #onDrop: DropListener;
  /** By order of arrival; a Map keeps it and removes from the middle at no cost. */
  readonly #items = new Map<number, OutboundItem>();
  /** The keys in `#items` of what may give way to a newer message of Raft's. */
  readonly #replaceable = new Set<number>();
  #next = 0;
  #bytes = 0;

  constructor(limits: QueueLimits, onDrop: DropListener) {
    this.#limits = limits;
    this.#onDrop = onDrop;
  }

  get messages(): number {
    return this.#items.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(item: OutboundItem): void {
    if (item.sizeInBytes > this.#limits.bytesMax) {
      this.#onDrop(item);
      return;
    }
    if (item.message.channel === 'forward' && !this.#hasRoomFor(item)) {
      this.#onDrop(item);
      return;
    }
    while (!this.#hasRoomFor(item)) this.#dropOldest();
    this.#add(item);
  }

  /**
   * Takes a message for a peer that is not connected. Of each type only the newest stays, because it may
   * wait for long, and an older one says nothing that the newest does not. Forwarded messages are refused.
   */
  pushWhileDisconnected(item: OutboundItem): void {
    if (item.message.channel === 'forward') {
      this.#onDrop(item);
      return;
    }
    for (const [key, older] of this.#items) {
      if (sameType(older.message, item.message)) this.#onDrop(this.#remove(key));
    }
    this.push(item);
  }

  shift(): OutboundItem | null {
    const oldest = this.#items.keys().next();
    return oldest.done === true ? null : this.#remove(oldest.value);
  }

  /** Gives up everything, as when the connection has closed. */
  clear(): void {
    for (const key of this.#items.keys()) this.#onDrop(this.#remove(key));
    assert(this.#bytes === 0, 'an empty queue holds no bytes');
  }

  #hasRoomFor(item: OutboundItem): boolean {
    if (this.#items.size + 1 > this.#limits.messagesMax) return false;
    return this.#bytes + item.sizeInBytes <= this.#limits.bytesMax;
  }

  #dropOldest(): void {
    const replaceable = this.#replaceable.values().next();
    const oldest = replaceable.done === true ? this.#items.keys().next() : replaceable;
    assert(oldest.done !== true, 'an empty queue has room');
    this.#onDrop(this.#remove(oldest.value));
  }

  #add(item: OutboundItem): void {
    const key = this.#next++;
    this.#items.set(key, item);
    if (item.message.channel !== 'forward') this.#replaceable.add(key);
    this.#bytes += item.sizeInBytes;
    assert(this.#items.size <= this.#limits.messagesMax, 'the queue holds too many messages');
    assert(this.#bytes <= this.#limits.bytesMax, 'the queue holds too many bytes');
  }

  #remove(key: number): OutboundItem {
    const item = assertDefined(this.#items.get(key), 'a removed item was in the queue');
    this.#items.delete(key);
    this.#replaceable.delete(key);
    this.#bytes -= item.sizeInBytes;
    assert(this.#bytes >= 0, 'the queue holds a negative number of bytes');
    return item;
  }
}

/** The forwarded message of a dropped item, or null. */
export function forwardOf(item: OutboundItem): ForwardMessage | null {
  return item.message.channel === 'forward' ? item.message.message : null;
}

function sameType(left: PeerMessage, right: PeerMessage): boolean {
  return left.channel === right.channel && left.message.type === right.message.type;
}
