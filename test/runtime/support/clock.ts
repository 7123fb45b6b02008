import type { Clock } from '../../../src/ports/clock.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import { World } from '../../../simulator/world.ts';

/** One process under virtual time. */
export class VirtualProcess {
  readonly world: World;
  readonly process: SimulatedProcess;
  readonly clock: Clock;

  constructor(seed = 1) {
    this.world = new World({ seed });
    this.process = this.world.addProcess('process', { driftPpm: 0, wallOffsetMs: 0 });
    this.process.begin();
    this.clock = this.process.clock();
  }

  /** What a simulated disk or store does later. */
  readonly schedule = (delayUs: number, run: () => void): void => void this.process.schedule(delayUs, 0, run);

  run(forMs: number): void {
    runWorld(this.world, forMs);
  }

  /** Runs until `value` is there. */
  await<Value>(begin: (complete: (value: Value) => void) => void, withinMs = 60_000): Value {
    const found: Value[] = [];
    begin((value) => found.push(value));
    for (let waitedMs = 0; found.length === 0 && waitedMs < withinMs; waitedMs += 5) this.run(5);
    const [value] = found;
    if (found.length !== 1 || value === undefined) throw new Error(`completed ${found.length} times`);
    return value;
  }
}

/** The process's clock, by which every look at it costs a ms: long work takes many slices. */
export function slowClock({ clock }: VirtualProcess, onTurn = (): void => undefined): Clock {
  let looks = 0;
  return {
    monotonicMs: () => clock.monotonicMs() + looks++,
    wallMs: () => clock.wallMs(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    afterPendingEvents: (callback) => {
      clock.afterPendingEvents(onTurn);
      clock.afterPendingEvents(callback);
    },
  };
}

/** Lets the world go on; whatever was thrown in it is thrown here. */
export function runWorld(world: World, forMs: number): void {
  world.runUntil(world.nowUs + forMs * 1000);
  if (world.violation !== null) throw world.violation;
}
