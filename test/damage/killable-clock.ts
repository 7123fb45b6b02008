import type { Clock, Timer } from '../../src/ports/clock.ts';
import { nodeClock } from '../../src/client/node-clock.ts';

/** The real time of one node, until it is killed: from then on nothing that waits for it is called. */
export class KillableClock implements Clock {
  readonly #timers = new Set<Timer>();
  #isKilled = false;

  monotonicMs(): number {
    return nodeClock.monotonicMs();
  }

  wallMs(): number {
    return nodeClock.wallMs();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = nodeClock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      if (!this.#isKilled) callback();
    });
    this.#timers.add(timer);
    return timer;
  }

  afterPendingEvents(callback: () => void): void {
    nodeClock.afterPendingEvents(() => {
      if (!this.#isKilled) callback();
    });
  }

  kill(): void {
    this.#isKilled = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}
