import { budgets } from '../faults/budget.ts';
import type { Fault } from '../faults/fault.ts';
import type { RunConfig, Schedule } from '../faults/schedule.ts';
import { quietLink } from '../../src/testing/world/network.ts';
import type { RunReport } from '../run.ts';
import { propertyOf } from '../violation.ts';
import { ddmin } from './ddmin.ts';
import { type ListPath, listAt, listPaths, sizeOf, type Timed, withListAt, withoutPlans } from './lists.ts';
import { shrinkNumber } from './shrink-number.ts';

export type Shrunken = {
  readonly schedule: Schedule;
  readonly report: RunReport;
  /** How many runs it took, and whether it ended because there were no more. */
  readonly reruns: number;
  readonly isCutShort: boolean;
};

export type ShrinkOptions = {
  /** Runs a schedule under the same host and the same planted bug. */
  readonly run: (schedule: Schedule) => RunReport;
  readonly runsMax: number;
};

/** Numbers of a fault or an operation that may as well be smaller, with the least that makes sense. */
const shrinkable: readonly (readonly [string, number])[] = [
  ['forUs', 1000],
  ['downUs', 1000],
  ['gapUs', 1000],
  ['calls', 1],
  ['spared', 0],
  ['times', 1],
  ['lossPerMille', 0],
  ['duplicatePerMille', 0],
  ['padding', 0],
  ['key', 0],
];
const triesForOneNumber = 6;

/**
 * Makes a failing schedule small: delta debugging over faults and operations, then a tamer world, then
 * smaller numbers. Failing means that the same property is found broken.
 */
export function shrinkSchedule(failing: RunReport, options: ShrinkOptions): Shrunken {
  const shrinker = new Shrinker(failing, options);
  shrinker.shrink();
  return shrinker.result();
}

class Shrinker {
  readonly #options: ShrinkOptions;
  readonly #property: string;
  #best: Schedule;
  #report: RunReport;
  #reruns = 0;

  constructor(failing: RunReport, options: ShrinkOptions) {
    this.#options = options;
    this.#property = propertyOf(failing.violation);
    this.#report = failing;
    this.#best = trimmed(failing);
  }

  shrink(): void {
    // What the budget did not allow, and what came after the end, did nothing.
    this.#try(this.#best);
    for (let before = -1; before !== sizeOf(this.#best) && !this.#isSpent; ) {
      before = sizeOf(this.#best);
      for (const without of withoutPlans(this.#best)) this.#try(without);
      for (const path of listPaths(this.#best)) {
        ddmin(listAt(this.#best, path), (fewer) => this.#try(withListAt(this.#best, path, fewer)));
      }
      this.#tame();
    }
    this.#shrinkNumbers();
  }

  result(): Shrunken {
    return {
      schedule: this.#best,
      report: this.#report,
      reruns: this.#reruns,
      isCutShort: this.#isSpent,
    };
  }

  get #isSpent(): boolean {
    return this.#reruns >= this.#options.runsMax;
  }

  #try(candidate: Schedule): boolean {
    if (this.#isSpent) return false;
    this.#reruns++;
    const report = this.#options.run(candidate);
    if (propertyOf(report.violation) !== this.#property) return false;
    this.#report = report;
    this.#best = trimmed(report);
    return true;
  }

  /** A smaller cluster in a kinder world, one thing after the other. */
  #tame(): void {
    for (const change of tamerConfigs(this.#best.config)) {
      const config = { ...this.#best.config, ...change };
      const controllers = config.nodes + config.spares;
      const faults = this.#best.faults.filter((fault) => isWithin(fault, controllers));
      if (!sameJson(config, this.#best.config)) this.#try({ ...this.#best, config, faults });
    }
  }

  #shrinkNumbers(): void {
    const { config } = this.#best;
    shrinkNumber(config.durationUs, 1000, 2 * triesForOneNumber, (durationUs) =>
      this.#try({ ...this.#best, config: { ...this.#best.config, durationUs } }),
    );
    for (const path of listPaths(this.#best)) this.#shrinkItems(path);
  }

  /** The list is read anew each time, because a successful try may have dropped some of it. */
  #shrinkItems(path: ListPath): void {
    const items = (): readonly Timed[] => listAt(this.#best, path);
    for (let at = 0; at < items().length; at++) {
      for (const [field, least] of shrinkable) {
        const value = numberOf(items()[at], field);
        if (value === null) continue;
        shrinkNumber(value, least, triesForOneNumber, (smaller) => {
          const changed = items().map((item, index) => (index === at ? { ...item, [field]: smaller } : item));
          return this.#try(withListAt(this.#best, path, changed));
        });
      }
      this.#roundTime(path, at);
    }
  }

  /** Round times are easier to read, and tell that the exact moment did not matter. */
  #roundTime(path: ListPath, at: number): void {
    for (const roundUs of [1_000_000, 100_000, 10_000, 1000]) {
      const items = listAt(this.#best, path);
      const item = items[at];
      if (item === undefined || item.atUs % roundUs === 0) return;
      const atUs = Math.floor(item.atUs / roundUs) * roundUs;
      const changed = items.map((other, index) => (index === at ? { ...other, atUs } : other));
      if (this.#try(withListAt(this.#best, path, changed))) return;
    }
  }
}

/** The run as it happened, without what did not take place or came after its end. */
function trimmed(report: RunReport): Schedule {
  const { recorded, simulatedUs, executed } = report;
  const { config } = recorded;
  const durationUs = Math.min(config.durationUs, simulatedUs);
  return { ...recorded, config: { ...config, durationUs }, faults: executed };
}

function tamerConfigs(config: RunConfig): readonly Partial<RunConfig>[] {
  const tamer: Partial<RunConfig>[] = [
    { nodes: 3, driftPpm: config.driftPpm.slice(0, 3) },
    { spares: 0 },
    { driftPpm: config.driftPpm.map(() => 0) },
    { link: { ...quietLink, isOrdered: true } },
    { link: { ...config.link, lossPerMille: 0 } },
    { link: { ...config.link, duplicatePerMille: 0 } },
    { clients: 1 },
    { diskSpread: 0 },
    { recordsBetweenSnapshots: 1_000_000 },
    { raft: { ...config.raft, fetchBytesMax: 65_536, pendingProposalsMax: 1024 } },
  ];
  const calm = budgets['minority damaged'].name;
  return config.budget === 'majority damaged' ? [...tamer, { budget: calm }] : tamer;
}

function isWithin(fault: Fault, nodes: number): boolean {
  if ('target' in fault && typeof fault.target === 'number') return fault.target < nodes;
  if (fault.kind === 'cutPair') return fault.from < nodes && fault.to < nodes;
  return true;
}

function numberOf(item: object | undefined, field: string): number | null {
  if (item === undefined) return null;
  const value = new Map<string, unknown>(Object.entries(item)).get(field);
  return typeof value === 'number' ? value : null;
}

function sameJson(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
