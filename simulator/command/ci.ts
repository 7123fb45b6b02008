import { generateSchedule } from '../faults/generate.ts';
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
 * The fixed list of seeds and then fresh ones, in parallel. The fresh ones begin anew each time, and where
 * they begin is printed, so that a check finds more than it found yesterday and can still be repeated.
 */
export async function runCi({ from, seconds, workers, print }: CiOptions): Promise<boolean> {
  const beganMs = performance.now();
  const summary = new Summary();
  const failures: SeedResult[] = [];
  const onResult = (result: SeedResult): void => {
    summary.add(result);
    if (result.broken === null) return;
    failures.push(result);
    if (failures.length <= namedMax)
      print(`FAILED seed ${result.seed} (${result.host}): ${result.broken.message}`);
  };
  const fixed = onEveryHost(fixedSeeds, true);
  const [first, last] = [fixedSeeds[0], fixedSeeds.at(-1)];
  print(`seeds ${first} to ${last}, each twice and on each host: ${Object.keys(hosts).join(', ')}`);
  await runPool({ next: () => fixed.next().value ?? null, onResult, workers });
  print(`fresh seeds from ${from}: npm run simulate -- --from ${from}`);
  const fresh = onEveryHost(countFrom(from), false);
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
export function explainSeed({ host, seed }: Pick<SeedResult, 'host' | 'seed'>, print: Print): void {
  const saved = { host, mutant: null, workload: 'mixed', schedule: generateSchedule(seed) } as const;
  const report = runSaved(saved);
  print(`seed ${seed} on the ${host} host: ${report.violation?.message ?? 'it holds when it is run alone'}`);
  if (report.violation !== null) explainFailure(saved, report, print);
}

export function* onEveryHost(seeds: Iterable<number>, isRepeated: boolean): Generator<SeedTask, undefined> {
  for (const seed of seeds) {
    for (const host of Object.keys(hosts) as readonly HostName[]) {
      yield { host, workload: 'mixed', seed, isRepeated };
    }
  }
}

export function* countFrom(first: number): Generator<number> {
  for (let seed = first; ; seed++) yield seed;
}
