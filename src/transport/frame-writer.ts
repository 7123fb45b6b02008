import type { Writable } from 'node:stream';
import { assert } from '../base/assert.ts';
import { continueCrc, crcOf } from '../codec/crc.ts';
import { frameHead, frameTail, type FrameType, frameTypes } from './frame.ts';

/** Gives the next message to send, in pieces, or null when none waits. */
export type MessageSource = () => {
  readonly parts: readonly Uint8Array[];
  readonly sizeInBytes: number;
} | null;

/** Pieces below this are copied together, since a write and a TLS record of their own cost more. */
const copiedBytesMax = 16_384;

const controlFramesMax = 8;

/** A frame of which some pieces were handed out and some were not. */
type OpenFrame = {
  readonly parts: readonly Uint8Array[];
  next: number;
  /** Bytes of `parts[next]` that were handed out. */
  position: number;
  crc: number;
};

/**
 * Writes frames to a socket: all that is ready at the end of a tick goes out in one write, and no more is
 * handed over than the socket may hold, so that what cannot be sent waits in a queue that has a limit.
 *
 * Invariants
 * 1. `#inFlight` is the number of bytes handed to the socket and not yet taken by the kernel.
 * 2. Frames never interleave: a control frame goes between messages.
 */
export class FrameWriter {
  readonly #socket: Writable;
  readonly #socketBytesMax: number;
  readonly #nowMs: () => number;
  #source: MessageSource | null = null;
  #control: Uint8Array[] = [];
  #open: OpenFrame | null = null;
  #inFlight = 0;
  #progressAtMs: number;
  #flushScheduled = false;
  #failed = false;
  #onIdle: (() => void) | null = null;

  constructor(socket: Writable, socketBytesMax: number, nowMs: () => number) {
    this.#socket = socket;
    this.#socketBytesMax = socketBytesMax;
    this.#nowMs = nowMs;
    this.#progressAtMs = nowMs();
  }

  /** Begins to take messages from `source` whenever the socket has room; null stops it. */
  setSource(source: MessageSource | null): void {
    this.#source = source;
    this.scheduleFlush();
  }

  /**
   * Sends a small whole frame before the messages that wait. It is dropped when too many wait already: a
   * peer that asks for signs of life without end, and reads none, must not make this grow.
   */
  sendControl(frame: Uint8Array): void {
    if (this.#control.length >= controlFramesMax) return;
    this.#control.push(frame);
    this.scheduleFlush();
  }

  /** Writes what has gathered once the current callback is done, so that one tick's messages go out together. */
  scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    process.nextTick(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  /** For how long the socket has held bytes without taking any; 0 when it holds none. */
  stalledForMs(): number {
    return this.#inFlight === 0 ? 0 : this.#nowMs() - this.#progressAtMs;
  }

  /** Puts off the judgement on a stall by time in which this process itself stood still. */
  creditMs(stalledMs: number): void {
    this.#progressAtMs += stalledMs;
  }

  /** Calls back once, when nothing waits and the kernel has taken everything. */
  whenIdle(callback: () => void): void {
    this.#onIdle = callback;
    this.scheduleFlush();
  }

  #flush(): void {
    if (this.#failed || this.#socket.destroyed || this.#socket.writableEnded) return;
    const chunks = new ChunkBatch();
    while (this.#inFlight + chunks.sizeInBytes < this.#socketBytesMax) {
      const chunk = this.#nextChunk(this.#socketBytesMax - this.#inFlight - chunks.sizeInBytes);
      if (chunk === null) break;
      chunks.add(chunk);
    }
    if (chunks.sizeInBytes > 0) this.#write(chunks.finish(), chunks.sizeInBytes);
    else if (this.#inFlight === 0) this.#reportIdle();
  }

  #write(chunks: readonly Uint8Array[], sizeInBytes: number): void {
    if (this.#inFlight === 0) this.#progressAtMs = this.#nowMs();
    this.#inFlight += sizeInBytes;
    const taken = (error?: Error | null): void => {
      // The socket is about to say so itself; until then every further write would fail like this one.
      if (error !== undefined && error !== null) {
        this.#failed = true;
        return;
      }
      this.#inFlight -= sizeInBytes;
      assert(this.#inFlight >= 0, 'the socket has taken more than it was given');
      this.#progressAtMs = this.#nowMs();
      this.#flush();
    };
    this.#socket.cork();
    chunks.forEach((chunk, index) => {
      // Writes complete in order, so the last one's completion speaks for all.
      if (index === chunks.length - 1) this.#socket.write(chunk, taken);
      else this.#socket.write(chunk);
    });
    this.#socket.uncork();
  }

  #reportIdle(): void {
    const report = this.#onIdle;
    this.#onIdle = null;
    report?.();
  }

  /** The next piece of at most `bytesMax` bytes, or a frame's head or tail whole. */
  #nextChunk(bytesMax: number): Uint8Array | null {
    if (this.#open !== null) return this.#continueFrame(this.#open, bytesMax);
    const control = this.#control.shift();
    if (control !== undefined) return control;
    const message = this.#source?.() ?? null;
    return message === null ? null : this.#openFrame(frameTypes.message, message.parts, message.sizeInBytes);
  }

  #openFrame(type: FrameType, parts: readonly Uint8Array[], sizeInBytes: number): Uint8Array {
    const head = frameHead(type, sizeInBytes);
    this.#open = { parts, next: 0, position: 0, crc: crcOf(head) };
    return head;
  }

  #continueFrame(frame: OpenFrame, bytesMax: number): Uint8Array {
    const part = frame.parts[frame.next];
    if (part === undefined) {
      this.#open = null;
      return frameTail(frame.crc);
    }
    const end = Math.min(part.length, frame.position + bytesMax);
    const chunk = part.subarray(frame.position, end);
    frame.crc = continueCrc(frame.crc, chunk);
    frame.position = end;
    if (end === part.length) {
      frame.next += 1;
      frame.position = 0;
    }
    return chunk;
  }
}

/** The pieces of one write: small neighbours are copied together, large ones go by reference. */
class ChunkBatch {
  readonly #chunks: Uint8Array[] = [];
  #small: Uint8Array[] = [];
  #sizeInBytes = 0;

  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  add(chunk: Uint8Array): void {
    this.#sizeInBytes += chunk.length;
    if (chunk.length <= copiedBytesMax) {
      this.#small.push(chunk);
      return;
    }
    this.#joinSmall();
    this.#chunks.push(chunk);
  }

  finish(): readonly Uint8Array[] {
    this.#joinSmall();
    return this.#chunks;
  }

  #joinSmall(): void {
    if (this.#small.length > 0) this.#chunks.push(Buffer.concat(this.#small));
    this.#small = [];
  }
}
