import type { GroupName, SeedResult } from './command/seed-result.ts';
import { coverageText } from './coverage.ts';

/** Listed whole; the marks of production code are too many for that. */
const listedGroups = ['faults', 'requests', 'calls', 'brokers', 'watches', 'marks'] as const;
const groupNames: readonly GroupName[] = [...listedGroups, 'messageFaults', 'coverage'];

export type Totals = {
  seeds: number;
  failures: number;
  simulatedUs: number;
  cpuUs: number;
  events: number;
  messages: number;
  elections: number;
  commits: number;
  readonly budgets: Record<string, number>;
  readonly groups: Record<GroupName, Record<string, number>>;
};

/** Adds up what many runs have done. Its totals are plain data, which a file can keep. */
export class Summary {
  readonly totals: Totals;

  constructor(totals: Totals = noTotals()) {
    this.totals = totals;
  }

  add(result: SeedResult): void {
    const { totals } = this;
    totals.seeds++;
    if (result.broken !== null) totals.failures++;
    for (const name of ['simulatedUs', 'cpuUs', 'events', 'messages', 'elections', 'commits'] as const) {
      totals[name] += result[name];
    }
    addAll(totals.budgets, { [result.budget]: 1 });
    for (const name of groupNames) addAll(totals.groups[name], result.groups[name]);
  }

  get simulatedSeconds(): number {
    return Math.floor(this.totals.simulatedUs / 1_000_000);
  }

  /** Simulated seconds for each second of processor time. */
  get rate(): number {
    return Math.floor(this.totals.simulatedUs / Math.max(1, this.totals.cpuUs));
  }

  /** Faults that took place: of controllers, of model brokers, and each message that was lost, doubled or cut off. */
  get faultEvents(): number {
    return this.#plannedFaults + this.#brokerFaults + sumOf(this.totals.groups.messageFaults);
  }

  get #plannedFaults(): number {
    const { faults } = this.totals.groups;
    return sumOf(faults) - (faults['overBudget'] ?? 0);
  }

  get #brokerFaults(): number {
    const { brokers } = this.totals.groups;
    return sumOf(brokers) - (brokers['acknowledged'] ?? 0) - (brokers['lost'] ?? 0);
  }

  text(): string {
    const { seeds, failures, events, messages, elections, commits, budgets, groups } = this.totals;
    return [
      `${seeds} seeds, ${failures} failed; ${this.simulatedSeconds} simulated seconds, ${this.rate} for each second of processor time`,
      `${events} events, ${messages} messages, ${elections} elections, ${commits} batches committed`,
      `${this.faultEvents} faults: ${this.#plannedFaults} of controllers, ${this.#brokerFaults} of model brokers, ${sumOf(groups.messageFaults)} of messages`,
      `budgets: ${listed(budgets)}`,
      ...listedGroups.map((name) => `${name}: ${listed(groups[name])}`),
      coverageText(groups.coverage),
    ].join('\n');
  }
}

function noTotals(): Totals {
  const counts = {
    seeds: 0,
    failures: 0,
    simulatedUs: 0,
    cpuUs: 0,
    events: 0,
    messages: 0,
    elections: 0,
    commits: 0,
  };
  const groups = {
    faults: {},
    messageFaults: {},
    requests: {},
    calls: {},
    brokers: {},
    watches: {},
    marks: {},
    coverage: {},
  };
  return { ...counts, budgets: {}, groups };
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function addAll(into: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) into[name] = (into[name] ?? 0) + count;
}

function listed(counts: Readonly<Record<string, number>>): string {
  const names = Object.keys(counts).toSorted((left, right) => (left < right ? -1 : 1));
  return names.map((name) => `${name} ${counts[name] ?? 0}`).join(', ');
}
