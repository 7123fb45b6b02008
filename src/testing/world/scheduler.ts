import { assert } from '../../base/assert.ts';
import type { Timer } from '../../ports/clock.ts';

/**
 * One thing that will happen. `run` is null once it was cancelled or has happened.
 * `owner` and `generation` let the world drop what a crashed process had still asked for.
 */
export class ScheduledEvent implements Timer {
  atUs: number;
  order: number;
  readonly kind: number;
  readonly owner: EventOwner | null;
  readonly generation: number;
  run: (() => void) | null;

  constructor(atUs: number, order: number, kind: number, owner: EventOwner | null, run: () => void) {
    this.atUs = atUs;
    this.order = order;
    this.kind = kind;
    this.owner = owner;
    this.generation = owner === null ? 0 : owner.generation;
    this.run = run;
  }

  cancel(): void {
    this.run = null;
  }
}

export type EventOwner = { readonly index: number; readonly generation: number };

/**
 * Virtual time and the queue of what is still to happen, as a binary heap.
 *
 * Invariants
 * 1. Time is an integer number of microseconds and never goes back.
 * 2. Of two events at the same instant the one that was scheduled first happens first, so that the
 *    order is the same on every machine.
 */
export class Scheduler {
  nowUs = 0;
  readonly #heap: ScheduledEvent[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  schedule(delayUs: number, run: () => void, kind = 0, owner: EventOwner | null = null): ScheduledEvent {
    assert(Number.isInteger(delayUs), `a delay is a whole number of microseconds, not ${delayUs}`);
    assert(delayUs >= 0, `a delay of ${delayUs} lies in the past`);
    const event = new ScheduledEvent(this.nowUs + delayUs, this.#order++, kind, owner, run);
    this.#push(event);
    return event;
  }

  /** Puts an event off, behind everything that is due at `atUs` already. */
  postpone(event: ScheduledEvent, atUs: number): void {
    assert(atUs >= this.nowUs, 'an event can only be put off to the future');
    event.atUs = atUs;
    event.order = this.#order++;
    this.#push(event);
  }

  /** Moves every event of one kind that one owner waits for, by so much, and never into the past. */
  shift(owner: EventOwner, kind: number, byUs: number): void {
    for (const event of this.#heap) {
      if (event.owner !== owner || event.kind !== kind) continue;
      event.atUs = Math.max(this.nowUs, event.atUs + byUs);
    }
    // What is in order is a heap, too.
    this.#heap.sort((left, right) => (isBefore(left, right) ? -1 : 1));
  }

  /** The next event due at or before `untilUs`, with the clock moved to it; null when there is none. */
  next(untilUs: number): ScheduledEvent | null {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.atUs > untilUs) return null;
      this.#pop();
      if (first.run === null) continue;
      this.nowUs = first.atUs;
      return first;
    }
  }

  /** Moves the clock on when nothing happens before `untilUs`. */
  advanceTo(untilUs: number): void {
    if (untilUs > this.nowUs) this.nowUs = untilUs;
  }

  /** Runs until nothing is left to happen, for tests that need no world; `eventsMax` bounds it. */
  runUntilIdle(eventsMax = 10_000_000): void {
    for (let count = 0; count < eventsMax; count++) {
      const event = this.next(Number.MAX_SAFE_INTEGER);
      if (event === null) return;
      const run = event.run;
      event.run = null;
      run?.();
    }
    assert(false, `still busy after ${eventsMax} events`);
  }

  #push(event: ScheduledEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    const size = heap.length;
    let at = 0;
    for (;;) {
      const leftAt = 2 * at + 1;
      const left = heap[leftAt];
      if (left === undefined) break;
      const right = leftAt + 1 < size ? heap[leftAt + 1] : undefined;
      const goRight = right !== undefined && isBefore(right, left);
      const child = goRight ? right : left;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = goRight ? leftAt + 1 : leftAt;
    }
    heap[at] = last;
  }
}

function isBefore(left: ScheduledEvent, right: ScheduledEvent): boolean {
  return left.atUs < right.atUs || (left.atUs === right.atUs && left.order < right.order);
}
