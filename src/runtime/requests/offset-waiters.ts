import type { Offset } from '../../base/brands.ts';

/** Those who wait until the state machine has reached an offset of their own (`min_offset`). */
export class OffsetWaiters {
  #waiting: Waiting[] = [];

  add(offset: Offset, waiter: OffsetWaiter): void {
    this.#waiting.push({ offset, waiter });
  }

  applied(applied: Offset): void {
    if (this.#waiting.length === 0) return;
    const reached = this.#waiting.filter(({ offset }) => offset <= applied);
    if (reached.length === 0) return;
    this.#waiting = this.#waiting.filter(({ offset }) => offset > applied);
    for (const { waiter } of reached) waiter.reached();
  }

  failAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { waiter } of waiting) waiter.fail();
  }
}

export type OffsetWaiter = {
  reached(): void;
  fail(): void;
};

type Waiting = { readonly offset: Offset; readonly waiter: OffsetWaiter };
