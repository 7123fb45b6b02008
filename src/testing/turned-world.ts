import { assert } from '../base/assert.ts';
import type { SimulatedProcess } from './world/process.ts';
import type { ScheduledEvent } from './world/scheduler.ts';
import { eventsAtOnceMax, VirtualWorld } from './world/virtual-world.ts';

/**
 * A world in which promises take part. Whatever happens to a watched process may settle promises: what waits for them
 * goes on, to its end, before anything else happens, so that the order is the same in every run.
 */
export class TurnedWorld extends VirtualWorld {
  readonly #watched = new Set<SimulatedProcess>();
  #isTouched = false;

  watch(process: SimulatedProcess): void {
    this.#watched.add(process);
  }

  /** Lets things happen up to `untilUs`, or until `isDone`, which it gives at the end. */
  async turn(untilUs: number, isDone: () => boolean): Promise<boolean> {
    // What the caller has begun comes before any of it.
    await promisesSettle();
    while (!isDone()) {
      this.#isTouched = false;
      if (!this.step(untilUs)) {
        this.scheduler.advanceTo(untilUs);
        return isDone();
      }
      assert(this.eventsAtOnce <= eventsAtOnceMax, `time stands still at ${this.nowUs} us`);
      if (this.#isTouched) await promisesSettle();
    }
    return true;
  }

  protected override happen(_event: ScheduledEvent, process: SimulatedProcess | null, run: () => void): void {
    run();
    if (process !== null && this.#watched.has(process)) this.#isTouched = true;
  }
}

/** An immediate comes after every promise that has settled and all that follows from it. */
function promisesSettle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
