import type { Print } from '../../command/explain.ts';
import { outputPath } from '../../command/files.ts';
import { readMutants } from './all-mutants.ts';
import { runCampaign } from './campaign.ts';
import { equivalentMutants } from './equivalent.ts';
import { mutantId } from './generic-mutant.ts';
import { type Counts, killedShare, readTrials, type Results, resultsOf, writeResults } from './results.ts';
import { sampleMutants } from './sample.ts';

export type GenericOptions = {
  /** Which part of all mutants is tried: at most 1. */
  readonly share: number;
  readonly workers: number;
  /** Tries those again that nothing has killed so far. */
  readonly again: boolean;
  /** No trial is begun after so many minutes. */
  readonly minutes: number;
  readonly print: Print;
};

/** The part of the non-equivalent mutants that must be killed (see docs/TESTING.md). */
const killedShareMin = 0.95;

/** Tries the generic mutants, going on where the last call ended. True when enough of them are killed. */
export async function runGenericMutants(options: GenericOptions): Promise<boolean> {
  const { share, workers, again, minutes, print } = options;
  const all = readMutants();
  const sample = sampleMutants(all, share);
  const trials = readTrials();
  const left = sample.filter(({ hash }) => {
    const kill = trials.get(hash);
    return kill === undefined || (again && kill === null && equivalentMutants[hash] === undefined);
  });
  print(`${all.length} mutants, of which ${sample.length} are tried, ${left.length} of them now`);
  // In lot order, so that what a campaign has done when it is ended is a fair sample of all.
  const inLotOrder = left.toSorted((one, other) => (one.hash < other.hash ? -1 : 1));
  const endMs = performance.now() + minutes * 60_000;
  let count = 0;
  const write = (): Results => {
    const results = resultsOf(all, sample, share, trials);
    writeResults(results);
    return results;
  };
  await runCampaign({
    mutants: inLotOrder,
    workers,
    folder: outputPath('generic'),
    mayGoOn: () => performance.now() < endMs,
    onTried: (mutant, kill) => {
      trials.set(mutant.hash, kill);
      count++;
      const end = kill === null ? 'NOT KILLED' : `killed by ${kill.by}: ${kill.how}`;
      print(`${count} of ${left.length} ${mutantId(mutant)} ${end}`);
      write();
    },
  });
  const results = write();
  print(totalsText(results.totals));
  return killedShare(results.totals) >= killedShareMin;
}

function totalsText(totals: Counts): string {
  const { tried, killedBySimulator, killedByTests, equivalent, notKilled } = totals;
  const percent = (100 * killedShare(totals)).toFixed(1);
  return [
    `${tried} tried: ${killedBySimulator} killed by the simulator, ${killedByTests} by tests,`,
    `${equivalent} equivalent, ${notKilled} not killed; ${percent} % of the non-equivalent are killed`,
  ].join(' ');
}
