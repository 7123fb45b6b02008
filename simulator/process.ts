import { assert } from '../src/base/assert.ts';
import type { Clock, Timer } from '../src/ports/clock.ts';
import { eventKinds } from './event-kinds.ts';
import type { EventOwner, Scheduler } from './scheduler.ts';

/** How a process's clocks differ from the world's. */
export type ClockFaults = {
  /** Parts per million by which the monotonic clock runs fast (above 0) or slow. */
  readonly driftPpm: number;
  /** How far the wall clock is off, in ms. */
  wallOffsetMs: number;
};

/** Wall clock at the beginning of every world. */
const worldEpochMs = 1_800_000_000_000;

/**
 * One operating-system process, which may crash and start again.
 *
 * Invariants
 * 1. Everything it schedules carries its generation; a crash begins a new one, so that nothing it had
 *    asked for happens afterwards.
 * 2. While it is paused nothing of it happens; what was due happens at the end of the pause, in order.
 */
export class SimulatedProcess implements EventOwner {
  readonly index: number;
  readonly name: string;
  readonly clockFaults: ClockFaults;
  generation = 0;
  isUp = false;
  pausedUntilUs = 0;
  readonly #scheduler: Scheduler;

  constructor(index: number, name: string, scheduler: Scheduler, clockFaults: ClockFaults) {
    this.index = index;
    this.name = name;
    this.clockFaults = clockFaults;
    this.#scheduler = scheduler;
  }

  /** Begins a new life. */
  begin(): void {
    assert(!this.isUp, `${this.name} runs already`);
    this.generation++;
    this.isUp = true;
    this.pausedUntilUs = 0;
  }

  /** Ends this life: nothing that belongs to it happens any more. */
  end(): void {
    this.generation++;
    this.isUp = false;
    this.pausedUntilUs = 0;
  }

  pause(forUs: number): void {
    this.pausedUntilUs = Math.max(this.pausedUntilUs, this.#scheduler.nowUs + forUs);
  }

  resume(): void {
    this.pausedUntilUs = 0;
  }

  schedule(delayUs: number, kind: number, run: () => void): Timer {
    const event = this.#scheduler.schedule(delayUs, run, kind, this);
    return {
      cancel: () => {
        event.run = null;
      },
    };
  }

  /** The `ports/clock` of the present life. */
  clock(): Clock {
    const perMillion = 1_000_000 + this.clockFaults.driftPpm;
    const beganUs = this.#scheduler.nowUs;
    const localUs = (): number => Math.floor(((this.#scheduler.nowUs - beganUs) * perMillion) / 1_000_000);
    return {
      monotonicMs: () => localUs() / 1000,
      wallMs: () => worldEpochMs + this.clockFaults.wallOffsetMs + Math.floor(this.#scheduler.nowUs / 1000),
      setTimer: (delayMs, callback) => {
        const delayUs = Math.ceil((Math.max(0, delayMs) * 1_000_000_000) / perMillion);
        return this.schedule(delayUs, eventKinds.timer, callback);
      },
      afterPendingEvents: (callback) => void this.schedule(0, eventKinds.timer, callback),
    };
  }
}
