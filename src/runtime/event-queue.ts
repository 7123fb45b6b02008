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
 * 3. After a late wake-up the sockets are drained before the core believes any timeout; then it is told
 *    of the stall once (design, "Running").
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

  /** `step` hands an input to the core, carries out its effects, and returns when to wake it next. */
  constructor(clock: Clock, step: (input: Input) => number, onStall: (stalledMs: number) => void) {
    this.#clock = clock;
    this.#step = step;
    this.#onStall = onStall;
  }

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
      const input = this.#inputs[at] as UntimedInput;
      nextWakeAtMs = this.#step({ ...input, nowMs: this.nowMs() } as Input);
    }
    this.#inputs = [];
    this.#isDraining = false;
    if (!this.#isClosed) this.#schedule(nextWakeAtMs);
  }

  /** A timer that is due earlier than needed stays: an early wake-up costs less than a new timer for each input. */
  #schedule(wakeAtMs: number): void {
    if (this.#timer !== null && this.#timerDueMs <= wakeAtMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = wakeAtMs;
    this.#timer = null;
    if (wakeAtMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#clock.setTimer(Math.max(0, wakeAtMs - this.nowMs()), () => this.#wake());
  }

  #wake(): void {
    const lateMs = this.nowMs() - this.#timerDueMs;
    this.#timer = null;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    if (lateMs < stallThresholdMs) {
      this.push({ type: 'wake', stalledMs: 0 });
      return;
    }
    this.#clock.afterPendingEvents(() => {
      if (this.#isClosed) return;
      this.#onStall(lateMs);
      this.push({ type: 'wake', stalledMs: lateMs });
    });
  }
}
