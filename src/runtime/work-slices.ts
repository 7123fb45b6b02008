import type { Clock } from '../ports/clock.ts';
import { Queue } from '../raft/queue.ts';
import { runtimeLimits } from './limits.ts';
import { type Sequence, wait } from './sequence.ts';

/**
 * Work that comes in many small tasks, of which any number may come in one turn of the event loop: once a
 * turn has spent its time on them the rest waits for the next, so that sockets and timers get theirs
 * (design, "Running": no slice of work over 5 ms).
 *
 * Tasks run in the order in which they came, at once as long as there is time.
 */
export class SlicedTasks {
  readonly #clock: Clock;
  readonly #waiting = new Queue<() => void>();
  /** When this turn's time is over; null while no task has run in it. */
  #endMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  run(task: () => void): void {
    if (this.#endMs === null) this.#begin();
    if (this.#waiting.length > 0 || this.#isOver()) this.#waiting.push(task);
    else task();
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  #begin(): void {
    this.#endMs = this.#clock.monotonicMs() + runtimeLimits.sliceMs;
    this.#clock.afterPendingEvents(() => this.#goOn());
  }

  #goOn(): void {
    this.#endMs = null;
    if (this.#waiting.length === 0) return;
    this.#begin();
    for (let next = this.#waiting.first(); next !== undefined; next = this.#waiting.first()) {
      if (this.#isOver()) return;
      this.#waiting.removeFirst();
      next();
    }
  }

  #isOver(): boolean {
    return this.#endMs !== null && this.#clock.monotonicMs() >= this.#endMs;
  }
}

/** The same for a procedure with a long loop: `yield* slices.pause()` costs a turn only when it is time for one. */
export class SlicedLoop {
  readonly #clock: Clock;
  #endMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#endMs = clock.monotonicMs() + runtimeLimits.sliceMs;
  }

  /** It is time for a pause: for loops to whose steps a generator of their own would be a cost. */
  get isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#endMs;
  }

  *pause(): Sequence<void> {
    if (!this.isOver) return;
    yield* wait<void>((done) => this.#clock.afterPendingEvents(done));
    this.#endMs = this.#clock.monotonicMs() + runtimeLimits.sliceMs;
  }
}
