import type { IdempotencyKey } from '../ports/transport.ts';
import { SessionCore, type Slot } from './core/session-core.ts';
import { NoAnswerError } from './errors.ts';
import type { KeySource } from './caller.ts';

export type SessionKeysOptions = {
  /** Opens a session in the cluster and gives its id. */
  readonly open: (timeoutMs: number) => Promise<number>;
  /** Sequences, counted from the oldest outstanding one, that the server remembers. */
  readonly windowMax: number;
  /** Writes of this client that may be outstanding at once; more wait for their turn. */
  readonly outstandingMax: number;
  /** Writes that may wait; more are refused, because a queue without an end only hides the trouble. */
  readonly waitingMax: number;
  readonly openTimeoutMs: number;
  readonly monotonicMs: () => number;
};

type Waiter = { readonly take: () => void };

/** The client's session: opened at the first write, opened anew when the cluster has forgotten it. */
export class SessionKeys implements KeySource {
  readonly #options: SessionKeysOptions;
  readonly #core: SessionCore;
  readonly #waiting: Waiter[] = [];
  #opening: Promise<void> | null = null;

  constructor(options: SessionKeysOptions) {
    this.#options = options;
    this.#core = new SessionCore(options.windowMax);
  }

  async acquire(deadlineMs: number, signal: AbortSignal | null): Promise<Slot> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#core.sessionId === null) await this.#open();
      else if (this.#hasRoom()) return this.#core.allocate();
      else await this.#waitForRoom(deadlineMs, signal);
    }
  }

  keyFor(slot: Slot): IdempotencyKey {
    return this.#core.keyFor(slot);
  }

  release(slot: Slot): void {
    this.#core.release(slot);
    this.#wake();
  }

  lost(sessionId: number): void {
    this.#core.lost(sessionId);
  }

  #hasRoom(): boolean {
    return this.#core.outstandingCount < this.#options.outstandingMax && this.#core.canAllocate();
  }

  /** All writes that need a session at the same time share one opening. */
  #open(): Promise<void> {
    this.#opening ??= this.#options
      .open(this.#options.openTimeoutMs)
      .then((sessionId) => this.#core.opened(sessionId))
      .finally(() => {
        this.#opening = null;
      });
    return this.#opening;
  }

  #waitForRoom(deadlineMs: number, signal: AbortSignal | null): Promise<void> {
    const { waitingMax, monotonicMs } = this.#options;
    if (this.#waiting.length >= waitingMax) {
      throw new NoAnswerError('write', `${waitingMax} writes of this client wait already`, []);
    }
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        const index = this.#waiting.indexOf(waiter);
        if (index >= 0) this.#waiting.splice(index, 1);
        end();
      };
      const waiter: Waiter = { take: () => settle(resolve) };
      const abort = (): void => settle(resolve);
      const late = new NoAnswerError(
        'write',
        'its turn among the writes of this client did not come in time',
        [],
      );
      const timer = setTimeout(() => settle(() => reject(late)), Math.max(0, deadlineMs - monotonicMs()));
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.push(waiter);
    });
  }

  /** One release may move the window by many: as many are woken as might find room, in their order. */
  #wake(): void {
    if (!this.#hasRoom()) return;
    const room = this.#options.outstandingMax - this.#core.outstandingCount;
    for (const waiter of this.#waiting.slice(0, room)) waiter.take();
  }
}
