import type { Clock } from '../ports/clock.ts';
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
  readonly clock: Clock;
};

/** Takes the slot that has become free for it; null when there is no session to give one from. */
type Waiter = { readonly take: (slot: Slot | null) => void };

/** The client's session: opened at the first write, opened anew when the cluster has forgotten it. */
export class SessionKeys implements KeySource {
  readonly #options: SessionKeysOptions;
  readonly #core: SessionCore;
  /** In order of arrival, as sets keep it. */
  readonly #waiting = new Set<Waiter>();
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
      else {
        const slot = await this.#waitForRoom(deadlineMs, signal);
        if (slot !== null) return slot;
      }
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
    // Nobody waits for room in a session that is over: they open the next one together.
    if (this.#core.sessionId === null) for (const waiter of this.#waiting) waiter.take(null);
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

  #waitForRoom(deadlineMs: number, signal: AbortSignal | null): Promise<Slot | null> {
    const { waitingMax, clock } = this.#options;
    if (this.#waiting.size >= waitingMax) {
      throw new NoAnswerError('write', `${waitingMax} writes of this client wait already`, []);
    }
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(waiter);
        end();
      };
      const waiter: Waiter = { take: (slot) => settle(() => resolve(slot)) };
      const abort = (): void => settle(() => resolve(null));
      const late = (): NoAnswerError =>
        new NoAnswerError('write', 'its turn among the writes of this client did not come in time', []);
      const leftMs = Math.max(0, deadlineMs - clock.monotonicMs());
      const timer = clock.setTimer(leftMs, () => settle(() => reject(late())));
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.add(waiter);
    });
  }

  /** Room goes to those who wait longest, before anybody who comes later can take it. */
  #wake(): void {
    if (this.#core.sessionId === null) return;
    for (const waiter of this.#waiting) {
      if (!this.#hasRoom()) return;
      waiter.take(this.#core.allocate());
    }
  }
}
