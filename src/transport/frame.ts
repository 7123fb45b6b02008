import { assert } from '../base/assert.ts';
import { failed, ok, type Result } from '../base/result.ts';
import { continueCrc, crcOf } from '../codec/crc.ts';

/**
 * How messages stand in the stream of bytes:
 *
 *     u32 length   of everything after these four bytes
 *     u8  type
 *     …   payload  `length - 5` bytes
 *     u32 CRC-32   of everything before it, the length included
 *
 * The CRC stands last so that both sides compute it piece by piece while the bytes of a large message
 * pass, and no single slice of work grows with the message. TCP's own checksum lets one damaged segment
 * in some ten million through (Stone and Partridge, SIGCOMM 2000).
 */
export const frameTypes = {
  hello: 1,
  welcome: 2,
  refuse: 3,
  message: 4,
  ping: 5,
  pong: 6,
  /** The sender has learnt its cluster's id since the handshake. */
  cluster: 7,
} as const;

export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

const lengthBytes = 4;
const crcBytes = 4;
/** Length and type. */
const headBytes = lengthBytes + 1;
const lengthMin = 1 + crcBytes;
const typeMax = Math.max(...Object.values(frameTypes));

function isFrameType(value: number): value is FrameType {
  return value >= 1 && value <= typeMax;
}

export function frameHead(type: FrameType, payloadBytes: number): Uint8Array {
  assert(Number.isSafeInteger(payloadBytes) && payloadBytes >= 0, `bad payload length ${payloadBytes}`);
  const head = Buffer.allocUnsafe(headBytes);
  head.writeUInt32BE(payloadBytes + lengthMin, 0);
  head.writeUInt8(type, lengthBytes);
  return head;
}

export function frameTail(crc: number): Uint8Array {
  const tail = Buffer.allocUnsafe(crcBytes);
  tail.writeUInt32BE(crc, 0);
  return tail;
}

/** A whole small frame; large ones are written in pieces by the frame writer. */
export function encodeFrame(type: FrameType, payload: Uint8Array): Uint8Array {
  const head = frameHead(type, payload.length);
  const crc = continueCrc(crcOf(head), payload);
  return Buffer.concat([head, payload, frameTail(crc)]);
}

export type FrameError = {
  readonly code: 'FRAME_TOO_LARGE' | 'FRAME_MALFORMED' | 'FRAME_CORRUPT';
  readonly message: string;
};

/**
 * `payload` may be kept: nothing writes to its memory again. Gives false when the stream is of no more
 * interest, because the connection was closed.
 */
export type FrameListener = (type: FrameType, payload: Uint8Array) => boolean;

/** A frame of which some bytes have arrived and some have not. */
type PartialFrame = {
  /** Type, payload and CRC. */
  readonly bytes: Uint8Array;
  filled: number;
  /** CRC of the length and of those of `bytes` below `checked`. */
  crc: number;
  checked: number;
};

/** Cuts a stream of bytes into frames. After an error it is of no more use. */
export class FrameReader {
  readonly #listener: FrameListener;
  /** Bytes of the next frame's length while fewer than four have arrived. */
  readonly #length = Buffer.alloc(lengthBytes);
  #lengthFilled = 0;
  #partial: PartialFrame | null = null;
  #payloadBytesMax: number;

  constructor(payloadBytesMax: number, listener: FrameListener) {
    this.#payloadBytesMax = payloadBytesMax;
    this.#listener = listener;
  }

  /** A stranger's frames have a small limit, a peer's a large one. */
  setPayloadBytesMax(payloadBytesMax: number): void {
    this.#payloadBytesMax = payloadBytesMax;
  }

  /** Takes the next bytes of the stream and hands on every frame that they complete. */
  push(chunk: Uint8Array): Result<null, FrameError> {
    let position = 0;
    while (position < chunk.length) {
      const taken =
        this.#partial === null ? this.#begin(chunk, position) : this.#fill(this.#partial, chunk, position);
      if (!taken.ok) return taken;
      if (taken.value === stopped) return ok(null);
      position += taken.value;
    }
    return ok(null);
  }

  /** Reads a frame's length, and the whole frame if the chunk holds it. Gives how many bytes were taken. */
  #begin(chunk: Uint8Array, position: number): Result<number, FrameError> {
    const taken = Math.min(lengthBytes - this.#lengthFilled, chunk.length - position);
    this.#length.set(chunk.subarray(position, position + taken), this.#lengthFilled);
    this.#lengthFilled += taken;
    if (this.#lengthFilled < lengthBytes) return ok(taken);
    this.#lengthFilled = 0;
    const length = this.#length.readUInt32BE(0);
    const problem = this.#lengthProblem(length);
    if (problem !== null) return failed(problem);
    const crc = crcOf(this.#length);
    const start = position + taken;
    if (chunk.length - start >= length) {
      const bytes = chunk.subarray(start, start + length);
      const finished = this.#finish(bytes, continueCrc(crc, bytes.subarray(0, length - crcBytes)));
      return finished.ok && finished.value !== stopped ? ok(taken + length) : finished;
    }
    this.#partial = { bytes: Buffer.allocUnsafe(length), filled: 0, crc, checked: 0 };
    return ok(taken);
  }

  #lengthProblem(length: number): FrameError | null {
    if (length < lengthMin)
      return { code: 'FRAME_MALFORMED', message: `a frame of ${length} bytes has no type` };
    if (length - lengthMin <= this.#payloadBytesMax) return null;
    const message = `a frame of ${length} bytes is above the limit of ${this.#payloadBytesMax + lengthMin}`;
    return { code: 'FRAME_TOO_LARGE', message };
  }

  #fill(partial: PartialFrame, chunk: Uint8Array, position: number): Result<number, FrameError> {
    const { bytes } = partial;
    const taken = Math.min(bytes.length - partial.filled, chunk.length - position);
    bytes.set(chunk.subarray(position, position + taken), partial.filled);
    partial.filled += taken;
    const checkable = Math.min(partial.filled, bytes.length - crcBytes);
    partial.crc = continueCrc(partial.crc, bytes.subarray(partial.checked, checkable));
    partial.checked = checkable;
    if (partial.filled < bytes.length) return ok(taken);
    this.#partial = null;
    const finished = this.#finish(bytes, partial.crc);
    return finished.ok && finished.value !== stopped ? ok(taken) : finished;
  }

  #finish(bytes: Uint8Array, crc: number): Result<number, FrameError> {
    const payloadEnd = bytes.length - crcBytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.getUint32(payloadEnd) !== crc) {
      return failed({ code: 'FRAME_CORRUPT', message: 'a frame does not match its CRC' });
    }
    const type = view.getUint8(0);
    if (!isFrameType(type)) return failed({ code: 'FRAME_MALFORMED', message: `unknown frame type ${type}` });
    return ok(this.#listener(type, bytes.subarray(1, payloadEnd)) ? bytes.length : stopped);
  }
}

/** In place of a count of bytes: the listener has lost interest. */
const stopped = -1;
