import type { Offset } from '../base/brands.ts';
import type { Clock } from '../ports/clock.ts';
import { runtimeLimits } from './limits.ts';

/**
 * Linearizable reads at the leader: all that arrive in one turn of the event loop share one read barrier,
 * and each is answered once the state machine has applied up to the barrier's offset (design 5).
 */
export class ReadQueue {
  readonly #clock: Clock;
  readonly #requestBarrier: (barrierId: number) => void;
  #gathering: BarrierWaiter[] = [];
  #isScheduled = false;
  #nextBarrierId = 1;
  #size = 0;
  readonly #inFlight = new Map<number, readonly BarrierWaiter[]>();
  /** Barriers that completed at an offset which is not applied yet, in order of offset. */
  #confirmed: { readonly offset: Offset; readonly waiters: readonly BarrierWaiter[] }[] = [];

  constructor(clock: Clock, requestBarrier: (barrierId: number) => void) {
    this.#clock = clock;
    this.#requestBarrier = requestBarrier;
  }

  /** The waiter runs after a barrier that began at or after this call. */
  add(waiter: BarrierWaiter): void {
    this.#size++;
    this.#gathering.push(waiter);
    this.#schedule();
  }

  completed(barrierId: number, offset: Offset, appliedOffset: Offset): void {
    const waiters = this.#inFlight.get(barrierId);
    if (waiters === undefined) return;
    this.#inFlight.delete(barrierId);
    this.#confirmed.push({ offset, waiters });
    this.applied(appliedOffset);
    if (this.#gathering.length > 0) this.#schedule();
  }

  failed(barrierIds: readonly number[]): void {
    for (const barrierId of barrierIds) {
      const waiters = this.#inFlight.get(barrierId) ?? [];
      this.#inFlight.delete(barrierId);
      this.#failEach(waiters);
    }
    if (this.#gathering.length > 0) this.#schedule();
  }

  applied(offset: Offset): void {
    while (this.#confirmed[0] !== undefined && this.#confirmed[0].offset <= offset) {
      const confirmed = this.#confirmed.shift();
      for (const waiter of confirmed?.waiters ?? []) {
        this.#size--;
        waiter.confirmed();
      }
    }
  }

  /** The node stops: nobody is left waiting. */
  failAll(): void {
    const waiting = [
      ...this.#gathering,
      ...[...this.#inFlight.values()].flat(),
      ...this.#confirmed.flatMap((barrier) => barrier.waiters),
    ];
    this.#gathering = [];
    this.#inFlight.clear();
    this.#confirmed = [];
    this.#failEach(waiting);
  }

  /** Those who were told nothing yet: they wait for a barrier, or for the state to reach its offset. */
  get size(): number {
    return this.#size;
  }

  #failEach(waiters: readonly BarrierWaiter[]): void {
    for (const waiter of waiters) {
      this.#size--;
      waiter.fail();
    }
  }

  #schedule(): void {
    if (this.#isScheduled || this.#inFlight.size >= runtimeLimits.barriersInFlightMax) return;
    this.#isScheduled = true;
    this.#clock.afterPendingEvents(() => this.#begin());
  }

  #begin(): void {
    this.#isScheduled = false;
    if (this.#gathering.length === 0) return;
    const barrierId = this.#nextBarrierId++;
    this.#inFlight.set(barrierId, this.#gathering);
    this.#gathering = [];
    this.#requestBarrier(barrierId);
  }
}

export type BarrierWaiter = {
  confirmed(): void;
  fail(): void;
};
