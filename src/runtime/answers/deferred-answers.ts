import { assert } from '../../base/assert.ts';
import type { Offset } from '../../base/brands.ts';

/**
 * Answers that wait until what they saw is committed and applied (design 10): an answer computed at
 * offset S is given only when everything below S is.
 *
 * Invariant: offsets never decrease from one `defer` to the next within a leadership, because each
 * answer is computed on the image that the one before left. So a queue suffices.
 */
export class DeferredAnswers {
  #queue: DeferredAnswer[] = [];
  /** Answered entries at the head are skipped and cut off in bulk: a shift for each would copy the rest. */
  #head = 0;

  defer(answer: DeferredAnswer): void {
    const last = this.#queue.at(-1);
    assert(last === undefined || last.offset <= answer.offset, 'a deferred answer went backwards');
    this.#queue.push(answer);
  }

  /** Gives every answer whose offset is at most `committed`. */
  release(committed: Offset): void {
    for (;;) {
      const answer = this.#queue[this.#head];
      if (answer === undefined || answer.offset > committed) break;
      this.#head++;
      answer.give();
    }
    if (this.#head > 1024 || this.#head === this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Leadership is lost: nothing more will be known here of what waits. */
  failAll(): void {
    const waiting = this.#queue.slice(this.#head);
    this.#queue = [];
    this.#head = 0;
    for (const answer of waiting) answer.fail();
  }

  get size(): number {
    return this.#queue.length - this.#head;
  }
}

export type DeferredAnswer = {
  readonly offset: Offset;
  give(): void;
  /** Leadership was lost before the answer could be given. */
  fail(): void;
};
