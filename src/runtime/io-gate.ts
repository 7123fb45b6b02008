import { assert } from '../base/assert.ts';
import type { IoId } from '../raft/inputs.ts';

/**
 * Holds back what must not be sent before something else is durable (the `after` of an effect).
 *
 * Invariants
 * 1. An action runs once, after the completion of the I/O it waits for, and in the order of its peers.
 * 2. An action that waits for an I/O which has completed already runs at once.
 * 3. I/O of different kinds completes in any order, so completion is kept per id: an id is pending from
 *    `began` until `completed`.
 */
export class IoGate {
  readonly #waiting = new Map<IoId, (() => void)[]>();
  #highestBegun: IoId = -1;

  began(ioId: IoId): void {
    assert(ioId > this.#highestBegun, `I/O ${ioId} began after ${this.#highestBegun}`);
    this.#highestBegun = ioId;
    this.#waiting.set(ioId, []);
  }

  /** Runs `action` now, or when `ioId` completes. */
  whenCompleted(ioId: IoId, action: () => void): void {
    assert(ioId <= this.#highestBegun, `nothing with I/O id ${ioId} has begun`);
    const actions = this.#waiting.get(ioId);
    if (actions === undefined) action();
    else actions.push(action);
  }

  completed(ioId: IoId): void {
    const actions = this.#waiting.get(ioId);
    if (actions === undefined) return;
    this.#waiting.delete(ioId);
    for (const action of actions) action();
  }

  /** A flush covers every log effect up to `ioId`; `isLogIo` tells which ids are the log's. */
  completedThrough(ioId: IoId, isLogIo: (pending: IoId) => boolean): void {
    for (const pending of this.#waiting.keys()) {
      if (pending > ioId) return;
      if (isLogIo(pending)) this.completed(pending);
    }
  }

  get pendingCount(): number {
    return this.#waiting.size;
  }
}
