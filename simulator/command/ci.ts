import { generateSchedule, type WorkloadName, workloadNames } from '../faults/generate.ts';
import { type HostName, hosts } from '../saved-run.ts';
import { Summary } from '../summary.ts';
import { explainFailure, type Print, runSaved } from './explain.ts';
import { runPool } from './pool.ts';
import type { SeedResult, SeedTask } from './seed-result.ts';

/** The seeds of every check, each run twice on each host. */
export const fixedSeeds: readonly number[] = Array.from({ length: 100 }, (_, at) => at + 1);

/** So many failures are explained, and so many named; the others are counted. */
const explainedMax = 3;
const namedMax = 20;

export type CiOptions = {
  /** The first of the fresh seeds. */
  readonly from: number;
  /** After so many seconds no further fresh seed begins. The fixed list always runs whole. */
  readonly seconds: number;
  readonly workers: number;
  readonly print: Print;
};

/**
 * The fixed list of seeds and then fresh ones in every workload, in parallel. The fresh ones begin anew each time,
 * and where they begin is printed, so that a check finds more than it found yesterday and can still be repeated.
 */
export async function runCi({ from, seconds, workers, print }: CiOptions): Promise<boolean> {
  const beganMs = performance.now();
  const summary = new Summary();
  const failures: SeedResult[] = [];
  const onResult = (result: SeedResult): void => {
    summary.add(result);
    if (result.broken === null) return;
    failures.push(result);
    if (failures.length <= namedMax) print(`FAILED ${titleOf(result)}: ${result.broken.message}`);
  };
  const fixed = onEveryHost(fixedSeeds);
  const [first, last] = [fixedSeeds[0], fixedSeeds.at(-1)];
  print(`seeds ${first} to ${last}, each twice and on each host: ${Object.keys(hosts).join(', ')}`);
  await runPool({ next: () => fixed.next().value ?? null, onResult, workers });
  print(`fresh seeds from ${from}: npm run simulate -- --from ${from}`);
  const fresh = inEveryWorkload(countFrom(from));
  const isTimeLeft = (): boolean => performance.now() - beganMs < seconds * 1000;
  await runPool({
    next: () => (isTimeLeft() ? (fresh.next().value ?? null) : null),
    onResult,
    workers,
  });
  for (const failure of failures.slice(0, explainedMax)) explainSeed(failure, print);
  print(summary.text());
  print(`${((performance.now() - beganMs) / 1000).toFixed(0)} seconds in all`);
  return failures.length === 0;
}

/** Repeats a seed that failed in another process, and explains it. */
export function explainSeed(
  { host, workload, seed }: Pick<SeedResult, 'host' | 'workload' | 'seed'>,
  print: Print,
): void {
  const saved = { host, mutant: null, workload, schedule: generateSchedule(seed, workload) } as const;
  const report = runSaved(saved);
  const found = report.violation?.message ?? 'it holds when it is run alone';
  print(`${titleOf({ host, workload, seed })}: ${found}`);
  if (report.violation !== null) explainFailure(saved, report, print);
}

/** Which run it is, in one line. */
export function titleOf({ host, workload, seed }: Pick<SeedResult, 'host' | 'workload' | 'seed'>): string {
  return `seed ${seed} (${host}${workload === 'mixed' ? '' : `, ${workload}`})`;
}

function* onEveryHost(seeds: Iterable<number>): Generator<SeedTask, undefined> {
  for (const seed of seeds) {
    for (const host of hostNames) yield { host, workload: 'mixed', seed, isRepeated: true };
  }
}

/**
 * Every other seed is mixed; those between take the other workloads in turn, so that what a mixed run seldom has
 * is met often. What nobody but a whole node can do is not asked of the bare one.
 */
export function* inEveryWorkload(seeds: Iterable<number>): Generator<SeedTask, undefined> {
  for (const seed of seeds) {
    const turn = Math.floor(seed / 2) % others.length;
    const workload = seed % 2 === 0 ? 'mixed' : (others[turn] ?? 'mixed');
    for (const host of hostNames) {
      if (host === 'bare' && ofWholeNodes.has(workload)) continue;
      yield { host, workload, seed, isRepeated: seed % repeatedOneIn < 2 };
    }
  }
}

/** So many fresh seeds stand for two that are run twice: runs are the same again in every workload. */
const repeatedOneIn = 16;
const hostNames = Object.keys(hosts) as readonly HostName[];
const others = workloadNames.filter((name) => name !== 'mixed');
const ofWholeNodes: ReadonlySet<WorkloadName> = new Set([
  'brokers',
  'operators',
  'watchers',
  'groups',
  'broker relays',
  'broker flutter',
  'broker depositions',
]);

export function* countFrom(first: number): Generator<number> {
  for (let seed = first; ; seed++) yield seed;
}
