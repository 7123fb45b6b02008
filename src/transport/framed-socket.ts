import type { Socket } from 'node:net';
import type { Clock } from '../ports/clock.ts';
import type { CloseCode, CloseReason } from './close-reason.ts';
import { encodeFrame, FrameReader, type FrameListener, frameTypes } from './frame.ts';
import { FrameWriter } from './frame-writer.ts';
import { encodeRefusal, handshakeBytesMax } from './handshake.ts';
import type { TransportLimits } from './limits.ts';

/** The kernel's own probes find a dead machine behind an idle connection even if this process hangs. */
const keepAliveDelayMs = 10_000;
/** How long a refused peer has to read why, before the socket is torn down. */
const refusalLingerMs = 1_000;

type Listeners = {
  /** Gives nothing: whoever loses interest closes the connection. */
  readonly onFrame: (...frame: Parameters<FrameListener>) => void;
  readonly onClosed: (reason: CloseReason) => void;
};

/**
 * One TCP or TLS connection as a stream of frames, before and after the handshake.
 *
 * Invariants
 * 1. `onClosed` is called exactly once, and no frame is handed on after it.
 * 2. Every error of the socket ends here: none is left to crash the process.
 */
export class FramedSocket {
  readonly writer: FrameWriter;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #reader: FrameReader;
  #listeners: Listeners;
  #closed = false;
  #lastReceivedMs: number;

  constructor(socket: Socket, clock: Clock, limits: TransportLimits, listeners: Listeners) {
    this.#socket = socket;
    this.#clock = clock;
    this.#listeners = listeners;
    this.#lastReceivedMs = clock.monotonicMs();
    this.writer = new FrameWriter(socket, limits.socketBytesMax, () => clock.monotonicMs());
    this.#reader = new FrameReader(handshakeBytesMax, (type, payload) => {
      this.#listeners.onFrame(type, payload);
      return !this.#closed;
    });
    // Raft's messages are small and wanted at once; what belongs together is joined by the writer.
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveDelayMs);
    this.#listen();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** The address of the other side, or null when the socket no longer knows it. */
  get remoteAddress(): string | null {
    const { remoteAddress, remotePort } = this.#socket;
    return remoteAddress === undefined ? null : `${remoteAddress}:${remotePort}`;
  }

  silentForMs(): number {
    return this.#clock.monotonicMs() - this.#lastReceivedMs;
  }

  /** Puts every judgement on this connection off by time in which this process itself stood still. */
  creditMs(stalledMs: number): void {
    this.#lastReceivedMs += stalledMs;
    this.writer.creditMs(stalledMs);
  }

  /** The handshake is done: others listen, and a peer's frames may be large. */
  promote(messageBytesMax: number, listeners: Listeners): void {
    this.#listeners = listeners;
    this.#reader.setPayloadBytesMax(messageBytesMax);
  }

  /** Closes at once. */
  destroy(reason: CloseReason): void {
    this.#finish(reason);
    this.#socket.destroy();
  }

  /** Closes after telling the other side why; what still waited to be sent is given up. */
  refuse(reason: CloseReason): void {
    if (this.#closed) return;
    this.#finish(reason);
    // Bytes that stay unread would turn the close into a reset, and the reset would overtake the refusal.
    this.#socket.resume();
    this.#socket.end(encodeFrame(frameTypes.refuse, encodeRefusal(reason)));
    const linger = this.#clock.setTimer(refusalLingerMs, () => this.#socket.destroy());
    this.#socket.once('close', () => linger.cancel());
  }

  /** Sends what waits, then closes; `destroy` may cut this short. */
  finish(): void {
    this.writer.whenIdle(() => this.#socket.end());
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Uint8Array) => {
      if (this.#closed) return;
      this.#lastReceivedMs = this.#clock.monotonicMs();
      const read = this.#reader.push(chunk);
      if (!read.ok) this.refuse(read.error);
    });
    this.#socket.on('error', (error) => this.destroy({ code: codeOf(error), message: error.message }));
    this.#socket.on('end', () => this.destroy({ code: 'CONNECTION_ENDED', message: 'the peer closed it' }));
    this.#socket.on('close', () => this.destroy({ code: 'CONNECTION_ENDED', message: 'it was closed' }));
  }

  #finish(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listeners.onClosed(reason);
  }
}

function codeOf(error: Error): CloseCode {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'ECONNREFUSED') return 'CONNECTION_REFUSED';
  return /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)
    ? 'TLS_ERROR'
    : 'SOCKET_ERROR';
}
