import type { BudgetName } from '../faults/budget.ts';
import type { WorkloadName } from '../faults/generate.ts';
import type { RunReport } from '../run.ts';
import type { HostName } from '../saved-run.ts';
import { propertyOf } from '../violation.ts';

export type SeedTask = {
  readonly host: HostName;
  readonly workload: WorkloadName;
  readonly seed: number;
  /** Runs it a second time, which must give the same digest. */
  readonly isRepeated: boolean;
};

/** What is kept of one seed's run, as plain data that travels between processes. */
export type SeedResult = {
  readonly host: HostName;
  readonly workload: WorkloadName;
  readonly seed: number;
  readonly budget: BudgetName;
  /** Null: every property held. */
  readonly broken: { readonly property: string; readonly message: string } | null;
  readonly digest: string;
  readonly simulatedUs: number;
  /** Time of the processor that the run has cost. */
  readonly cpuUs: number;
  readonly events: number;
  readonly messages: number;
  readonly elections: number;
  readonly commits: number;
  /** Counts by name, in groups: what failed, what was answered, what was observed, which marks were passed. */
  readonly groups: Readonly<Record<GroupName, Readonly<Record<string, number>>>>;
};

export type GroupName =
  | 'faults'
  | 'messageFaults'
  | 'requests'
  | 'calls'
  | 'brokers'
  | 'watches'
  | 'marks'
  | 'coverage';

export function seedResult(
  { host, workload }: Pick<SeedTask, 'host' | 'workload'>,
  report: RunReport,
  cpuUs: number,
): SeedResult {
  const { seed, budget, violation, digest, simulatedUs, events, messages, elections, commits } = report;
  const broken = violation === null ? null : { property: propertyOf(violation), message: violation.message };
  const counts = { simulatedUs, cpuUs, events, messages, elections, commits };
  const { faults, outcomes: requests, calls, brokers, watches, messageFaults } = report;
  const marks = Object.fromEntries(report.marks);
  const coverage = Object.fromEntries(report.coverage);
  const groups = { faults, messageFaults, requests, calls, brokers, watches, marks, coverage };
  return { host, workload, seed, budget, broken, digest, ...counts, groups };
}
