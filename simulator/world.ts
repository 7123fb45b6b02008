import { InvariantViolation } from '../src/base/assert.ts';
import { HashedChance } from '../src/testing/world/chance.ts';
import type { SimulatedProcess } from '../src/testing/world/process.ts';
import type { ScheduledEvent } from '../src/testing/world/scheduler.ts';
import { eventsAtOnceMax, VirtualWorld } from '../src/testing/world/virtual-world.ts';
import type { TimelineMark, TimelineRecorder } from './timeline/recorder.ts';
import { type PrintLine, Trace } from './trace.ts';
import { Violation } from './violation.ts';

export type WorldOptions = {
  readonly seed: number;
  readonly print?: PrintLine;
  /** Draws what happens; null in most runs. */
  readonly recorder?: TimelineRecorder | null;
};

/**
 * Virtual time, processes and a network between them: room for any number of clusters. It knows nothing
 * of Raft; what runs in it, and what must hold, comes from outside.
 */
export class World extends VirtualWorld {
  readonly trace: Trace;
  readonly recorder: TimelineRecorder | null;
  /** Called after everything that happens to a process, or with null after what happens to none. */
  afterEvent: (process: SimulatedProcess | null) => void = () => undefined;
  /** The first property found broken; it ends the run. Kept here, because code under test may catch. */
  violation: Error | null = null;

  constructor(options: WorldOptions) {
    super(options.seed);
    this.trace = new Trace(options.print ?? null);
    this.recorder = options.recorder ?? null;
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
    while (this.violation === null && this.step(untilUs)) {
      if (this.eventsAtOnce > eventsAtOnceMax) {
        this.violation = new Violation('time passes', `${eventsAtOnceMax} events happen at ${this.nowUs} us`);
      }
    }
    if (this.violation === null) this.scheduler.advanceTo(untilUs);
  }

  protected override happen(event: ScheduledEvent, process: SimulatedProcess | null, run: () => void): void {
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
