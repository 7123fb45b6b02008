import { readMutants } from '../mutants/generic/all-mutants.ts';
import { runCampaign } from '../mutants/generic/campaign.ts';
import { equivalentMutants } from '../mutants/generic/equivalent.ts';
import { type GenericMutant, mutantId } from '../mutants/generic/generic-mutant.ts';
import {
  type Counts,
  killedShare,
  readTrials,
  resultsOf,
  type Trials,
  writeGenericResults,
} from '../mutants/generic/results.ts';
import { sampleMutants } from '../mutants/generic/sample.ts';
import type { Stage } from '../mutants/generic/try-mutant.ts';
import type { Print } from './explain.ts';
import { outputPath } from './files.ts';
import { writePage } from './hunt.ts';
import { progressBar } from './terminal.ts';

export type GenericOptions = {
  /** Which part of all mutants is tried: at most 1. */
  readonly share: number;
  readonly workers: number;
  /** Tries those again that nothing has killed so far. */
  readonly isAgain: boolean;
  /** No trial is begun after so many minutes. */
  readonly minutes: number;
  readonly print: Print;
  readonly progress: Print;
};

/** The part of the mutants that are not equivalent which must be killed. */
const killedShareMin = 0.95;

/** Tries generic mutants, going on where the last call ended. True when enough of them are killed. */
export async function tryGenericMutants(options: GenericOptions): Promise<boolean> {
  const { share, workers, minutes, print, progress } = options;
  const all = readMutants();
  const sample = sampleMutants(all, share);
  const trials = readTrials();
  const left = mutantsLeft(sample, trials, options.isAgain);
  print(`${all.length} mutants, ${sample.length} in the sample, ${left.length} to try`);
  const write = (): Counts => {
    const results = resultsOf({ all, sample, share, trials });
    writeGenericResults(results);
    return results.totals;
  };
  const endMs = performance.now() + minutes * 60_000;
  let count = 0;
  await runCampaign({
    mutants: left,
    workers: Math.max(1, workers),
    folder: outputPath('generic'),
    mayGoOn: () => performance.now() < endMs,
    onTried: (mutant, stage, kill) => {
      if (kill !== null || stage === 'thorough') count++;
      progress(`${progressBar(count / left.length)}  ${count} of ${left.length}  ${mutantId(mutant)}`);
      if (kill === null)
        print(`${notFound[stage]} ${mutantId(mutant)}\n  ${mutant.before}\n  ${mutant.after}`);
      if (kill === null && stage === 'quick') return;
      trials.set(mutant.hash, kill);
      write();
    },
  });
  const totals = write();
  writePage();
  print(totalsText(totals));
  return killedShare(totals) >= killedShareMin;
}

/** What there is to say of a mutant that a stage does not kill. */
const notFound: Readonly<Record<Stage, string>> = {
  quick: 'not killed yet:',
  thorough: 'NOT KILLED:',
};

/** In lot order, so that what has been tried when a campaign is ended is a fair sample, too. */
function mutantsLeft(
  sample: readonly GenericMutant[],
  trials: Trials,
  isAgain: boolean,
): readonly GenericMutant[] {
  const isLeft = ({ hash }: GenericMutant): boolean => {
    const kill = trials.get(hash);
    return kill === undefined || (isAgain && kill === null && equivalentMutants[hash] === undefined);
  };
  return sample.filter(isLeft).toSorted((left, right) => (left.hash < right.hash ? -1 : 1));
}

function totalsText(totals: Counts): string {
  const { tried, killedBySimulator, killedByTests, equivalent, notKilled } = totals;
  const percent = (100 * killedShare(totals)).toFixed(1);
  return [
    `${tried} tried: ${killedBySimulator} killed by the simulator, ${killedByTests} by tests,`,
    `${equivalent} equivalent, ${notKilled} not killed; ${percent} % of those that are not equivalent are killed`,
  ].join(' ');
}
