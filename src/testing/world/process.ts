import { assert } from '../../base/assert.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { eventKinds } from './event-kinds.ts';
import type { EventOwner, Scheduler } from './scheduler.ts';

/** How a process's clocks differ from the world's. */
export type ClockFaults = {
  /** Parts per million by which the monotonic clock runs fast (above 0) or slow. */
  driftPpm: number;
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
 *    asked for happens afterwards. What a life was given (`lifeScheduler`, `clock`) is bound to it, so that
 *    code which still unwinds when its process has ended asks for nothing.
 * 2. While it is paused or stalled nothing of it happens; what was due happens at the end, after a pause in
 *    order, after a stall timers first, as an event loop runs them.
 * 3. Its monotonic clock never goes back, also when its drift changes. While its machine is suspended it stands
 *    still, and its timers with it.
 */
export class SimulatedProcess implements EventOwner {
  readonly index: number;
  readonly name: string;
  readonly clockFaults: ClockFaults;
  generation = 0;
  isUp = false;
  pausedUntilUs = 0;
  /** In its present life. */
  wasSuspended = false;
  #isStalled = false;
  /** What the monotonic clock showed at a moment from which on it runs evenly, and when that is. */
  #localBaseUs = 0;
  #baseAtUs = 0;
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
    this.wasSuspended = false;
    this.resume();
    this.#localBaseUs = 0;
    this.#baseAtUs = this.#scheduler.nowUs;
  }

  /** Ends this life: nothing that belongs to it happens any more. */
  end(): void {
    this.generation++;
    this.isUp = false;
    this.resume();
  }

  pause(forUs: number): void {
    this.pausedUntilUs = Math.max(this.pausedUntilUs, this.#scheduler.nowUs + forUs);
  }

  /** Its event loop is busy with something for so long. */
  stall(forUs: number): void {
    this.pause(forUs);
    this.#isStalled = true;
  }

  /** Its machine is suspended: nothing happens, and afterwards no time has passed for it. */
  suspend(forUs: number): void {
    const { nowUs } = this.#scheduler;
    const beginsAtUs = Math.max(nowUs, this.#baseAtUs);
    const endsAtUs = Math.max(beginsAtUs, nowUs + forUs);
    this.#localBaseUs = this.#localUs();
    this.#baseAtUs = endsAtUs;
    this.wasSuspended = true;
    this.#scheduler.shift(this, eventKinds.timer, endsAtUs - beginsAtUs);
    this.pause(forUs);
  }

  resume(): void {
    const aheadUs = this.#baseAtUs - this.#scheduler.nowUs;
    if (aheadUs > 0) {
      this.#baseAtUs = this.#scheduler.nowUs;
      this.#scheduler.shift(this, eventKinds.timer, -aheadUs);
    }
    this.pausedUntilUs = 0;
    this.#isStalled = false;
  }

  /** When something that is due now may happen; null when it may happen at once. */
  putOffUntilUs(kind: number, atUs: number): number | null {
    if (this.pausedUntilUs <= atUs) {
      this.#isStalled = false;
      return null;
    }
    const waitsForTimers = this.#isStalled && kind !== eventKinds.timer;
    return this.pausedUntilUs + (waitsForTimers ? 1 : 0);
  }

  /** From now on the monotonic clock runs so much fast, or slow. */
  setDrift(ppm: number): void {
    this.#localBaseUs = this.#localUs();
    this.#baseAtUs = Math.max(this.#baseAtUs, this.#scheduler.nowUs);
    this.clockFaults.driftPpm = ppm;
  }

  schedule(delayUs: number, kind: number, run: () => void): Timer {
    return this.#scheduler.schedule(delayUs, run, kind, this);
  }

  /** Schedules for the present life alone; once it has ended, nothing. */
  lifeScheduler(): (delayUs: number, kind: number, run: () => void) => Timer {
    const { generation } = this;
    return (delayUs, kind, run) =>
      this.generation === generation ? this.schedule(delayUs, kind, run) : nothingToCancel;
  }

  /** The `ports/clock` of the present life. */
  clock(): Clock {
    const schedule = this.lifeScheduler();
    return {
      monotonicMs: () => this.#localUs() / 1000,
      wallMs: () => worldEpochMs + this.clockFaults.wallOffsetMs + Math.floor(this.#scheduler.nowUs / 1000),
      setTimer: (delayMs, callback) => {
        const delayUs = Math.ceil((Math.max(0, delayMs) * 1_000_000_000) / this.#perMillion());
        return schedule(delayUs, eventKinds.timer, callback);
      },
      afterPendingEvents: (callback) => void schedule(0, eventKinds.timer, callback),
    };
  }

  #perMillion(): number {
    return 1_000_000 + this.clockFaults.driftPpm;
  }

  #localUs(): number {
    const passedUs = Math.max(0, this.#scheduler.nowUs - this.#baseAtUs);
    return this.#localBaseUs + Math.floor((passedUs * this.#perMillion()) / 1_000_000);
  }
}

const nothingToCancel: Timer = { cancel: () => undefined };
