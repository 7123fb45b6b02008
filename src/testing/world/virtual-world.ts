import { SimulatedNetwork } from './network.ts';
import { type ClockFaults, SimulatedProcess } from './process.ts';
import { Scheduler, type ScheduledEvent } from './scheduler.ts';

/** More than anything lets happen at one moment: a timer that is due again and again keeps time from passing. */
export const eventsAtOnceMax = 100_000;

/** Virtual time, processes and a network between them. It knows nothing of Raft. */
export class VirtualWorld {
  readonly seed: number;
  readonly scheduler = new Scheduler();
  readonly processes: SimulatedProcess[] = [];
  readonly network: SimulatedNetwork;
  /** How many events have happened at the present moment. */
  #eventsAtOnce = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.network = new SimulatedNetwork(this);
  }

  get nowUs(): number {
    return this.scheduler.nowUs;
  }

  get eventsAtOnce(): number {
    return this.#eventsAtOnce;
  }

  addProcess(name: string, clockFaults: ClockFaults): SimulatedProcess {
    const process = new SimulatedProcess(this.processes.length, name, this.scheduler, clockFaults);
    this.processes.push(process);
    return process;
  }

  /** Lets the next thing happen that is due by `untilUs`; false when there is none. */
  step(untilUs: number): boolean {
    const beforeUs = this.nowUs;
    const event = this.scheduler.next(untilUs);
    if (event === null) return false;
    this.#eventsAtOnce = this.nowUs === beforeUs ? this.#eventsAtOnce + 1 : 0;
    this.#take(event);
    return true;
  }

  /** Something happens, to a process or to none. */
  protected happen(_event: ScheduledEvent, _process: SimulatedProcess | null, run: () => void): void {
    run();
  }

  #take(event: ScheduledEvent): void {
    const process = event.owner === null ? null : (this.processes[event.owner.index] ?? null);
    if (process !== null) {
      if (process.generation !== event.generation) return;
      const putOffUntilUs = process.putOffUntilUs(event.kind, event.atUs);
      if (putOffUntilUs !== null) {
        this.scheduler.postpone(event, putOffUntilUs);
        return;
      }
    }
    const run = event.run;
    event.run = null;
    if (run !== null) this.happen(event, process, run);
  }
}
