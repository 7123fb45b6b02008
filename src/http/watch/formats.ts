import { packPlain } from '../../codec/msgpack.ts';
import {
  binaryWatchContentType,
  eventStreamContentType,
  frameLengthBytes,
  type WatchMessage,
} from '../../client/protocol/watch.ts';
import { printableFields } from '../../runtime/printable.ts';
import type { WatchEvent, WatchRecord } from '../../runtime/watch/watch-api.ts';

/** How messages are put into bytes. */
export type WatchFormat = {
  readonly contentType: string;
  message(message: WatchMessage): Buffer;
  /** All of them, one after the other. */
  events(events: readonly WatchEvent[]): Buffer;
};

/**
 * Each delta is encoded once for all who are sent it, and what several are sent together is joined once: both are
 * known by the objects themselves, which all watchers share, and forgotten with them.
 */
class SharedEncodings implements WatchFormat {
  readonly contentType: string;
  readonly #encode: (message: WatchMessage) => Buffer;
  readonly #ofEvent = new WeakMap<WatchEvent, Buffer>();
  readonly #ofArray = new WeakMap<readonly WatchEvent[], Buffer>();

  constructor(contentType: string, encode: (message: WatchMessage) => Buffer) {
    this.contentType = contentType;
    this.#encode = encode;
  }

  message(message: WatchMessage): Buffer {
    return this.#encode(message);
  }

  events(events: readonly WatchEvent[]): Buffer {
    const known = this.#ofArray.get(events);
    if (known !== undefined) return known;
    const [first] = events;
    const encoded = events.map((event) => this.#event(event));
    const [only] = encoded;
    const joined = encoded.length === 1 && only !== undefined ? only : Buffer.concat(encoded);
    if (first?.kind === 'delta') this.#ofArray.set(events, joined);
    return joined;
  }

  #event(event: WatchEvent): Buffer {
    if (event.kind !== 'delta') return this.#encode(event);
    const known = this.#ofEvent.get(event);
    if (known !== undefined) return known;
    const encoded = this.#encode(event);
    this.#ofEvent.set(event, encoded);
    return encoded;
  }
}

/** The formats of one server: they remember what they have encoded. */
export function createWatchFormats(): { readonly eventStream: WatchFormat; readonly binary: WatchFormat } {
  return {
    eventStream: new SharedEncodings(eventStreamContentType, toServerSentEvent),
    binary: new SharedEncodings(binaryWatchContentType, toFrame),
  };
}

/** A comment keeps the connection open and reaches no program. */
const heartbeatComment = Buffer.from(': heartbeat\n\n');

function toServerSentEvent(message: WatchMessage): Buffer {
  if (message.kind === 'heartbeat') return heartbeatComment;
  const place = placeAfter(message);
  const id = place === null ? '' : `id: ${place}\n`;
  return Buffer.from(`event: ${message.kind}\n${id}data: ${JSON.stringify(printable(message))}\n\n`);
}

/** Where to go on after this message; null where it is no place to go on from, as within a transaction. */
export function placeAfter(message: WatchMessage): number | null {
  switch (message.kind) {
    case 'delta':
      return message.continues === true ? null : message.endOffset;
    case 'bookmark':
    case 'stateEnd':
      return message.offset;
    default:
      return null;
  }
}

function printable(message: WatchMessage): unknown {
  if (message.kind !== 'delta' && message.kind !== 'state') return message;
  const records = message.records.map((record: WatchRecord) => ({
    ...record,
    value: printableFields(record.value),
  }));
  return { ...message, records };
}

function toFrame(message: WatchMessage): Buffer {
  const packed = packPlain(message);
  const frame = Buffer.allocUnsafe(frameLengthBytes + packed.length);
  frame.writeUInt32BE(packed.length, 0);
  frame.set(packed, frameLengthBytes);
  return frame;
}
