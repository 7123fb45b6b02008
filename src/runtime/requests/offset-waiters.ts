import type { Offset } from '../../base/brands.ts';

/** Those who wait until the state machine has reached an offset of their own (`min_offset`). */
export class OffsetWaiters {
  readonly #waiting = new Set<Waiting>();
  /** No waiter waits for less, so that most advances look at none of them. */
  #lowest = Number.POSITIVE_INFINITY;

  /** Returns what removes the waiter again: its time may end before the offset is reached, if it ever is. */
  add(offset: Offset, waiter: OffsetWaiter): () => void {
    const waiting = { offset, waiter };
    this.#waiting.add(waiting);
    this.#lowest = Math.min(this.#lowest, offset);
    return () => this.#waiting.delete(waiting);
  }

  applied(applied: Offset): void {
    if (applied < this.#lowest) return;
    const reached: Waiting[] = [];
    this.#lowest = Number.POSITIVE_INFINITY;
    for (const waiting of this.#waiting) {
      if (waiting.offset <= applied) reached.push(waiting);
      else this.#lowest = Math.min(this.#lowest, waiting.offset);
    }
    for (const waiting of reached) this.#waiting.delete(waiting);
    for (const { waiter } of reached) waiter.reached();
  }

  failAll(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { waiter } of waiting) waiter.fail();
  }

  get size(): number {
    return this.#waiting.size;
  }
}

export type OffsetWaiter = {
  reached(): void;
  fail(): void;
};

type Waiting = { readonly offset: Offset; readonly waiter: OffsetWaiter };
