import type { HostName } from '../../saved-run.ts';
import type { GenericMutant } from './generic-mutant.ts';
import { nearestTests } from './nearest-tests.ts';
import { SeedProcess } from './seed-process.ts';
import type { TestProcess } from './test-process.ts';

/** What has found a mutant first: the simulator on a seed, or a test. */
export type Kill =
  | { readonly by: HostName; readonly seed: number; readonly how: string }
  | { readonly by: 'tests'; readonly how: string };

/** The first few seeds find most, and cost as much as the quick tests. */
const quickSeeds = 6;
const bareSeeds = 60;
const nodeSeeds = 30;

/** `quick` finds nearly all; `thorough` is what is left to do for those that it does not find. */
export type Stage = 'quick' | 'thorough';

export type Trial = {
  readonly mutant: GenericMutant;
  readonly stage: Stage;
  readonly seedWorkerPath: string;
  readonly tests: TestProcess;
};

/**
 * Runs what may find the mutant, the cheapest first, and stops at the first that does. Null when nothing has.
 * The mutant has been planted where `seedWorkerPath` and `tests` look.
 */
export async function tryMutant({ mutant, stage, seedWorkerPath, tests }: Trial): Promise<Kill | null> {
  const { quick, slow } = nearestTests(mutant.file);
  const runTests = async (names: readonly string[]): Promise<Kill | null> => {
    const how = await tests.run(mutant.file, names);
    return how === null ? null : { by: 'tests', how };
  };
  const process = new SeedProcess(seedWorkerPath);
  try {
    if (stage === 'quick') return (await runSeeds(process, 'bare', 1, quickSeeds)) ?? (await runTests(quick));
    return (
      (await runSeeds(process, 'bare', quickSeeds + 1, bareSeeds)) ??
      (await runTests(slow)) ??
      (await runSeeds(process, 'node', 1, nodeSeeds))
    );
  } finally {
    process.end();
  }
}

async function runSeeds(
  process: SeedProcess,
  host: HostName,
  first: number,
  last: number,
): Promise<Kill | null> {
  for (let seed = first; seed <= last; seed++) {
    const answer = await process.run({ host, workload: 'mixed', seed, isRepeated: false });
    if (answer.kind === 'endless') return { by: host, seed, how: 'the run does not end' };
    if (answer.kind === 'died') return { by: host, seed, how: answer.reason };
    const { broken } = answer.result;
    if (broken !== null) return { by: host, seed, how: nameOf(broken) };
  }
  return null;
}

/** An assertion is named by what it says, and so is a crash; a property has a name of its own. */
function nameOf({ property, message }: { readonly property: string; readonly message: string }): string {
  if (property !== 'assertions hold' && property !== 'no crash') return property;
  return message.replace(/^[^:]*: (node\d+: )?/, '');
}
