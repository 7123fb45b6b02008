import { InvariantViolation } from '../src/base/assert.ts';
import { HashedChance } from './chance.ts';
import { SimulatedNetwork } from './network.ts';
import { SimulatedProcess, type ClockFaults } from './process.ts';
import { Scheduler, type ScheduledEvent } from './scheduler.ts';
import type { TimelineMark, TimelineRecorder } from './timeline/recorder.ts';
import { type PrintLine, Trace } from './trace.ts';
import { Violation } from './violation.ts';

export type WorldOptions = {
  readonly seed: number;
  readonly print?: PrintLine;
  /** Draws what happens; null in most runs. */
  readonly recorder?: TimelineRecorder | null;
};

/** More than any run lets happen at one moment: a timer that is due again and again keeps time from passing. */
const eventsAtOnceMax = 100_000;

/**
 * Virtual time, processes and a network between them: room for any number of clusters. It knows nothing
 * of Raft; what runs in it, and what must hold, comes from outside.
 */
export class World {
  readonly seed: number;
  readonly scheduler = new Scheduler();
  readonly trace: Trace;
  readonly processes: SimulatedProcess[] = [];
  readonly network: SimulatedNetwork;
  readonly recorder: TimelineRecorder | null;
  /** Called after everything that happens to a process, or with null after what happens to none. */
  afterEvent: (process: SimulatedProcess | null) => void = () => undefined;
  /** The first property found broken; it ends the run. Kept here, because code under test may catch. */
  violation: Error | null = null;
  /** How many events have happened at the present moment. */
  #eventsAtOnce = 0;

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.trace = new Trace(options.print ?? null);
    this.recorder = options.recorder ?? null;
    this.network = new SimulatedNetwork(this);
  }

  get nowUs(): number {
    return this.scheduler.nowUs;
  }

  addProcess(name: string, clockFaults: ClockFaults): SimulatedProcess {
    const process = new SimulatedProcess(this.processes.length, name, this.scheduler, clockFaults);
    this.processes.push(process);
    return process;
  }

  /** A source of chance of its own, for one purpose. */
  chance(...stream: readonly number[]): HashedChance {
    return new HashedChance(this.seed, ...stream);
  }

  /** Something that happens to no process in particular. */
  schedule(delayUs: number, kind: number, run: () => void): void {
    this.scheduler.schedule(delayUs, run, kind);
  }

  fail(property: string, message: string): never {
    const violation = new Violation(property, message);
    this.violation ??= violation;
    throw violation;
  }

  say(line: () => string, isDetail = false): void {
    this.trace.say(() => `${formatUs(this.nowUs)} ${line()}`, isDetail);
  }

  /** Something worth a mark in the timeline, and a line in the transcript, at a process. */
  mark(process: SimulatedProcess, kind: TimelineMark['kind'], text: () => string): void {
    this.say(() => `${process.name} ${text()}`);
    this.recorder?.mark({ lane: process.index, atUs: this.nowUs, kind, text: text() });
  }

  /** Lets everything happen that is due by `untilUs`; stops at the first broken property. */
  runUntil(untilUs: number): void {
    while (this.violation === null) {
      const beforeUs = this.nowUs;
      const event = this.scheduler.next(untilUs);
      if (event === null) break;
      this.#eventsAtOnce = this.nowUs === beforeUs ? this.#eventsAtOnce + 1 : 0;
      if (this.#eventsAtOnce > eventsAtOnceMax) {
        this.violation = new Violation('time passes', `${eventsAtOnceMax} events happen at ${beforeUs} us`);
        break;
      }
      this.#happen(event);
    }
    if (this.violation === null) this.scheduler.advanceTo(untilUs);
  }

  #happen(event: ScheduledEvent): void {
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
    if (run === null) return;
    this.trace.note(event.kind, event.atUs, process === null ? -1 : process.index, 0);
    try {
      run();
      this.afterEvent(process);
    } catch (error) {
      this.violation ??= asViolation(error, process);
    }
  }
}

/** What the program throws is a finding, too: an assertion that failed is a bug by its own word. */
function asViolation(error: unknown, process: SimulatedProcess | null): Error {
  if (error instanceof Violation) return error;
  const who = process === null ? 'the world' : process.name;
  if (!(error instanceof Error)) return new Violation('no crash', `${who} threw ${String(error)}`);
  const property = error instanceof InvariantViolation ? 'assertions hold' : 'no crash';
  const violation = new Violation(property, `${who}: ${error.message}`);
  if (error.stack !== undefined) violation.stack = error.stack;
  return violation;
}

/** Seconds with six decimals, as transcripts show them. */
export function formatUs(us: number): string {
  const seconds = Math.floor(us / 1_000_000);
  return `${String(seconds).padStart(4)}.${String(us % 1_000_000).padStart(6, '0')}`;
}
