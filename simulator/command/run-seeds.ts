import { generateSchedule, type WorkloadName } from '../faults/generate.ts';
import type { SavedRun } from '../saved-run.ts';
import { Summary } from '../summary.ts';
import { commandOf, explainFailure, type Print, runSaved, type SeededRun, showRun } from './explain.ts';
import { seedResult } from './seed-result.ts';

export type SeedsOptions = {
  readonly first: number;
  readonly count: number;
  readonly host: SavedRun['host'];
  readonly workload: WorkloadName;
  /** The bug that is planted in this program. */
  readonly mutant: string | null;
  readonly isVerbose: boolean;
  /** One line for each seed and nothing else, to compare machines and versions of Node. */
  readonly digestsOnly: boolean;
  readonly print: Print;
};

/** Runs seeds in this process, one after the other, and explains the first that fails. */
export function runSeeds(options: SeedsOptions): boolean {
  const { first, count, host, workload, mutant, isVerbose, digestsOnly, print } = options;
  const summary = new Summary();
  for (let seed = first; seed < first + count; seed++) {
    const saved: SeededRun = { host, mutant, workload, schedule: generateSchedule(seed, workload) };
    const before = process.cpuUsage();
    const report = runSaved(saved);
    const { user, system } = process.cpuUsage(before);
    summary.add(seedResult({ host, workload }, report, user + system));
    if (digestsOnly) {
      print(`${host} ${seed} ${report.digest}`);
    } else if (report.violation !== null) {
      print(`FAILED seed ${seed} (${host}): ${report.violation.message}`);
      explainFailure(saved, report, print);
      break;
    } else if (isVerbose) {
      showRun(saved, {
        name: `seed-${seed}-${host}`,
        command: commandOf({ ...saved, seed }),
        isVerbose,
        print,
      });
    } else if (count === 1) {
      print(`seed ${seed} holds, digest ${report.digest}`);
    }
  }
  if (!digestsOnly) print(summary.text());
  return summary.totals.failures === 0;
}
