import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { equivalentMutants } from './equivalent.ts';
import { type GenericMutant, mutantId } from './generic-mutant.ts';
import type { Kill } from './try-mutant.ts';

export const genericResultsPath = 'simulator/mutants/generic/results.json';

export type Verdict = 'killed' | 'equivalent' | 'not killed';

/** A mutant that was tried. It names what has killed it, or shows what it changes. */
export type TriedMutant = { readonly id: string; readonly hash: string; readonly verdict: Verdict } & (
  | { readonly verdict: 'killed'; readonly kill: Kill }
  | {
      readonly verdict: 'equivalent';
      readonly before: string;
      readonly after: string;
      readonly reason: string;
    }
  | { readonly verdict: 'not killed'; readonly before: string; readonly after: string }
);

export type Counts = {
  tried: number;
  killedBySimulator: number;
  killedByTests: number;
  equivalent: number;
  notKilled: number;
};

export type GenericResults = {
  /** Which part of all mutants is tried. */
  readonly share: number;
  readonly mutants: number;
  readonly sample: number;
  readonly totals: Counts;
  readonly operators: Readonly<Record<string, Counts>>;
  readonly files: Readonly<Record<string, Counts>>;
  /** By file and place. */
  readonly tried: readonly TriedMutant[];
};

/** By hash; null: nothing has killed it. */
export type Trials = ReadonlyMap<string, Kill | null>;

export function resultsOf({
  all,
  sample,
  share,
  trials,
}: {
  readonly all: readonly GenericMutant[];
  readonly sample: readonly GenericMutant[];
  readonly share: number;
  readonly trials: Trials;
}): GenericResults {
  const totals = noCounts();
  const operators: Record<string, Counts> = {};
  const files: Record<string, Counts> = {};
  const tried: TriedMutant[] = [];
  for (const mutant of sample) {
    const kill = trials.get(mutant.hash);
    if (kill === undefined) continue;
    const one = triedMutant(mutant, kill);
    tried.push(one);
    const ofOperator = (operators[mutant.operator] ??= noCounts());
    const ofFile = (files[mutant.file] ??= noCounts());
    for (const counts of [totals, ofOperator, ofFile]) count(counts, one);
  }
  return {
    share,
    mutants: all.length,
    sample: sample.length,
    totals,
    operators: sorted(operators),
    files,
    tried,
  };
}

/** What earlier campaigns have found out, for as long as the mutant's line stays as it is. */
export function readTrials(): Map<string, Kill | null> {
  const trials = new Map<string, Kill | null>();
  for (const tried of readGenericResults()?.tried ?? []) {
    trials.set(tried.hash, tried.verdict === 'killed' ? tried.kill : null);
  }
  return trials;
}

export function readGenericResults(): GenericResults | null {
  if (!existsSync(genericResultsPath)) return null;
  return JSON.parse(readFileSync(genericResultsPath, 'utf8')) as GenericResults;
}

/** By rename, so that a campaign that is ended in the middle leaves a whole file. */
export function writeGenericResults(results: GenericResults): void {
  const { tried, ...rest } = results;
  const head = JSON.stringify(rest, null, 2).slice(0, -2);
  const lines = tried.map((one) => `\n    ${JSON.stringify(one)}`).join(',');
  writeFileSync(`${genericResultsPath}.new`, `${head},\n  "tried": [${lines}\n  ]\n}\n`);
  renameSync(`${genericResultsPath}.new`, genericResultsPath);
}

function triedMutant(mutant: GenericMutant, kill: Kill | null): TriedMutant {
  const { hash, before, after } = mutant;
  const id = mutantId(mutant);
  if (kill !== null) return { id, hash, verdict: 'killed', kill };
  const reason = equivalentMutants[hash]?.reason;
  if (reason === undefined) return { id, hash, verdict: 'not killed', before, after };
  return { id, hash, verdict: 'equivalent', before, after, reason };
}

function noCounts(): Counts {
  return { tried: 0, killedBySimulator: 0, killedByTests: 0, equivalent: 0, notKilled: 0 };
}

function count(counts: Counts, one: TriedMutant): void {
  counts.tried++;
  if (one.verdict === 'equivalent') counts.equivalent++;
  else if (one.verdict === 'not killed') counts.notKilled++;
  else if (one.kill.by === 'tests') counts.killedByTests++;
  else counts.killedBySimulator++;
}

function sorted(record: Readonly<Record<string, Counts>>): Record<string, Counts> {
  return Object.fromEntries(Object.entries(record).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/** The share of the mutants that can be told from the program which were killed, from 0 to 1. */
export function killedShare({ tried, equivalent, notKilled }: Counts): number {
  return tried === equivalent ? 1 : (tried - equivalent - notKilled) / (tried - equivalent);
}
