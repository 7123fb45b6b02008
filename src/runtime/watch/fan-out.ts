import type { Clock } from '../../ports/clock.ts';
import { runtimeLimits } from '../limits.ts';
import type { Watcher } from './watcher.ts';

/**
 * Gives watchers their turns, a slice of work at a time. What comes while a round is under way goes out in the
 * next, all of it together; after a round of several slices as much time is left to everything else, so that
 * a thousand watchers never take more than half of the node's time from the quorum.
 */
export class FanOut {
  readonly #clock: Clock;
  readonly #all: ReadonlySet<Watcher>;
  readonly #ready = new Set<Watcher>();
  /** Everybody who wants something is ready in the next round. */
  #isForAll = false;
  #isPlanned = false;
  /** Some of those who were ready in this round have not had their turn. */
  #isRoundOpen = false;
  #slices = 0;
  #busyMs = 0;

  constructor(clock: Clock, all: ReadonlySet<Watcher>) {
    this.#clock = clock;
    this.#all = all;
  }

  to(watcher: Watcher): void {
    this.#ready.add(watcher);
    this.#plan();
  }

  toAll(): void {
    this.#isForAll = true;
    this.#plan();
  }

  forget(watcher: Watcher): void {
    this.#ready.delete(watcher);
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#clock.afterPendingEvents(() => this.#run());
  }

  #run(): void {
    this.#isPlanned = false;
    if (!this.#isRoundOpen) this.#beginRound();
    const beganMs = this.#clock.monotonicMs();
    for (const watcher of this.#ready) {
      this.#ready.delete(watcher);
      watcher.pump();
      if (this.#clock.monotonicMs() >= beganMs + runtimeLimits.sliceMs) break;
    }
    this.#slices++;
    this.#busyMs += this.#clock.monotonicMs() - beganMs;
    this.#isRoundOpen = this.#ready.size > 0;
    if (this.#isRoundOpen) this.#plan();
    else if (this.#isForAll) this.#planRound();
  }

  #beginRound(): void {
    this.#slices = 0;
    this.#busyMs = 0;
    if (!this.#isForAll) return;
    this.#isForAll = false;
    for (const watcher of this.#all) if (watcher.isWanting) this.#ready.add(watcher);
  }

  #planRound(): void {
    if (this.#slices <= 1) {
      this.#plan();
      return;
    }
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#clock.setTimer(this.#busyMs, () => this.#run());
  }
}
