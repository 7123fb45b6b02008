import type { Clock, Timer } from '../ports/clock.ts';
import type { Input } from '../raft/inputs.ts';

/** An input as its source hands it over; the queue stamps the time when the core takes it. */
export type UntimedInput = Input extends infer One ? (One extends Input ? Omit<One, 'nowMs'> : never) : never;

/** How late a timer may come before the process counts as stalled, in ms. */
const stallThresholdMs = 100;

/**
 * Feeds the core one input at a time, in the order of arrival, and wakes it when it asked to be woken.
 *
 * Invariants
 * 1. `step` is never entered twice at once: an input handed in during a step waits in the queue.
 * 2. Time never goes back from one input to the next.
 * 3. Before the core believes any timeout the sockets are drained: an answer that waits in one counts. After
 *    a late wake-up it is also told of the stall, once (design, "Running").
 */
export class EventQueue {
  readonly #clock: Clock;
  readonly #step: (input: Input) => number;
  readonly #onStall: (stalledMs: number) => void;
  #inputs: UntimedInput[] = [];
  #isDraining = false;
  #isClosed = false;
  #lastNowMs = 0;
  #timer: Timer | null = null;
  #timerDueMs = Number.POSITIVE_INFINITY;
  /** The timer has fired and the sockets are drained before the core hears of it. */
  #isWaking = false;

  /** `step` hands an input to the core, carries out its effects, and returns when to wake it next. */
  constructor(clock: Clock, step: (input: Input) => number, onStall: (stalledMs: number) => void) {
    this.#clock = clock;
    this.#step = step;
    this.#onStall = onStall;
  }

  /** The input is the queue's from here on: it gets its time, and is not copied for it. */
  push(input: UntimedInput): void {
    if (this.#isClosed) return;
    this.#inputs.push(input);
    if (!this.#isDraining) this.#drain();
  }

  nowMs(): number {
    this.#lastNowMs = Math.max(this.#lastNowMs, Math.trunc(this.#clock.monotonicMs()));
    return this.#lastNowMs;
  }

  close(): void {
    this.#isClosed = true;
    this.#inputs = [];
    this.#timer?.cancel();
    this.#timer = null;
  }

  #drain(): void {
    this.#isDraining = true;
    let nextWakeAtMs = this.#timerDueMs;
    for (let at = 0; at < this.#inputs.length && !this.#isClosed; at++) {
      nextWakeAtMs = this.#step(stamped(this.#inputs[at] as UntimedInput, this.nowMs()));
    }
    this.#inputs = [];
    this.#isDraining = false;
    if (!this.#isClosed) this.#schedule(nextWakeAtMs);
  }

  /** A timer that is due earlier than needed stays: an early wake-up costs less than a new timer for each input. */
  #schedule(wakeAtMs: number): void {
    // The wake that is under way schedules the next: a second one would count the same stall again.
    if (this.#isWaking) return;
    // What was due before it was asked for is not late by a stall.
    const nowMs = this.nowMs();
    const dueMs = Math.max(wakeAtMs, nowMs);
    if (this.#timer !== null && this.#timerDueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerDueMs = dueMs;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#clock.setTimer(dueMs - nowMs, () => this.#wake());
  }

  #wake(): void {
    const lateMs = this.nowMs() - this.#timerDueMs;
    const stalledMs = lateMs < stallThresholdMs ? 0 : lateMs;
    this.#timer = null;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    this.#isWaking = true;
    this.#clock.afterPendingEvents(() => {
      this.#isWaking = false;
      if (this.#isClosed) return;
      if (stalledMs > 0) this.#onStall(stalledMs);
      this.push({ type: 'wake', stalledMs });
    });
  }
}

function stamped(input: UntimedInput & { nowMs?: number }, nowMs: number): Input {
  input.nowMs = nowMs;
  return input as Input;
}
