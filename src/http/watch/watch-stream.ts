import type { ServerResponse } from 'node:http';
import type { Offset } from '../../base/brands.ts';
import type { ProblemInput } from '../../client/protocol/problem.ts';
import type {
  WatchBegin,
  WatchEnd,
  WatchEvent,
  WatchHandle,
  WatchListener,
} from '../../runtime/watch/watch-api.ts';
import { placeAfter, type WatchFormat } from './formats.ts';

export type WatchStreamOptions = {
  readonly response: ServerResponse;
  readonly format: WatchFormat;
  readonly since: Offset | null;
  /** A reader that takes nothing for so long is cut off. */
  readonly stallMs: number;
  /** Why its reader is shown nothing more: its token may be revoked or expire while it reads. */
  readonly findDishonoured: () => ProblemInput | null;
  /** The stream begins: the answer's head is written. */
  readonly onBegun: () => void;
  /** It does not begin, and something else is answered. */
  readonly onRefused: (end: WatchEnd) => void;
  readonly onClosed: (stream: WatchStream) => void;
};

/**
 * One answer that is a stream.
 *
 * Invariants
 * 1. The next events are asked for when the socket has taken all that was written: at most one array of them is
 *    in memory for a reader, however slow it is.
 * 2. A reader that takes nothing for `stallMs` is cut off. It knows where to go on: the place of the last event
 *    that it was given.
 * 3. Whatever ends a stream while its reader listens, the reader is told by an `end`.
 * 4. Nothing is given to a reader that is not honoured any more. Where nothing happens, the heartbeat that would
 *    be given finds it out.
 */
export class WatchStream implements WatchListener {
  readonly #options: WatchStreamOptions;
  #handle: WatchHandle | null = null;
  #stall: NodeJS.Timeout | null = null;
  #position: Offset | null;
  #hasBegun = false;
  #isOver = false;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#position = options.since;
    options.response.on('drain', () => this.#drained());
    // Also when the reader has gone: writing to it would say so much later.
    options.response.on('close', () => this.#closed());
    options.response.on('error', () => this.#closed());
  }

  /** What it is fed by. */
  attach(handle: WatchHandle): void {
    this.#handle = handle;
    if (this.#isOver) handle.close();
  }

  begun(begin: WatchBegin): void {
    if (this.#isOver) return;
    this.#hasBegun = true;
    this.#options.onBegun();
    this.#write(this.#options.format.message({ kind: 'begin', ...begin }));
  }

  events(events: readonly WatchEvent[]): void {
    if (this.#isOver) return;
    const dishonoured = this.#options.findDishonoured();
    if (dishonoured !== null) {
      const { message } = dishonoured;
      const position = this.#position;
      this.#end({ code: 'SASL_AUTHENTICATION_FAILED', message, position, logStartOffset: null });
      return;
    }
    for (const event of events) {
      const place = placeAfter(event);
      if (place !== null) this.#position = place as Offset;
    }
    this.#write(this.#options.format.events(events));
  }

  ended(end: WatchEnd): void {
    if (this.#isOver) return;
    if (!this.#hasBegun) {
      this.#finish();
      this.#options.onRefused(end);
      return;
    }
    this.#end(end);
  }

  /** The server is closing; its controller may go on. */
  close(): void {
    if (this.#isOver) return;
    const message = 'This node is stopping; go on with another.';
    this.ended({ code: 'NOT_CONTROLLER', message, position: this.#position, logStartOffset: null });
  }

  #write(bytes: Buffer): void {
    const { response } = this.#options;
    if (response.write(bytes)) this.#handle?.more();
    else this.#startStall();
  }

  #drained(): void {
    this.#stopStall();
    if (!this.#isOver) this.#handle?.more();
  }

  /** What was written before still goes out, if its reader takes it. */
  #end(end: WatchEnd): void {
    const { response, format } = this.#options;
    this.#finish();
    response.end(format.message({ kind: 'end', ...end }));
    this.#startStall();
  }

  #startStall(): void {
    this.#stopStall();
    // In two halves: where this process itself stood still, the second gives its sockets their turn.
    const halfMs = this.#options.stallMs / 2;
    this.#stall = setTimeout(() => {
      this.#stall = setTimeout(() => this.#options.response.destroy(), halfMs);
    }, halfMs);
  }

  #stopStall(): void {
    if (this.#stall !== null) clearTimeout(this.#stall);
    this.#stall = null;
  }

  #closed(): void {
    this.#stopStall();
    this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handle?.close();
    this.#options.onClosed(this);
  }
}
