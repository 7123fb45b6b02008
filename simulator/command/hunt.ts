import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { escaping } from '../mutants/escaping.ts';
import { genericSection } from '../mutants/generic/page.ts';
import { readGenericResults } from '../mutants/generic/results.ts';
import { huntBug } from '../mutants/hunt-bug.ts';
import { mutantsPage, pagePath, plantedSection, propertiesOf, seedsOf } from '../mutants/page.ts';
import { type FiledBug, selectBugs } from '../mutants/planted-bugs.ts';
import {
  type BugResult,
  currentResult,
  hashOf,
  isCaught,
  readResults,
  resultOf,
  statesOf,
  writeResults,
} from '../mutants/results.ts';
import { firstSeeds, type SearchState } from '../mutants/search.ts';
import { commandOf, type Print } from './explain.ts';
import { outputPath } from './files.ts';
import type { SeedResult } from './seed-result.ts';
import { progressBar } from './terminal.ts';

export type HuntAllOptions = {
  /** Every bug that there is. */
  readonly bugs: readonly FiledBug[];
  /** Classes, places or names of those to hunt; none for all. */
  readonly words: readonly string[];
  readonly seedsMax: number;
  readonly workers: number;
  /** Forgets what is known of them. */
  readonly isAgain: boolean;
  readonly print: Print;
  readonly progress: Print;
};

/** Searches that were ended in the middle, by the place of their bug. */
type Unfinished = Record<string, { readonly hash: string; readonly states: readonly SearchState[] }>;

const saveEveryMs = 2000;

/**
 * Hunts one bug after another, each by three searches at once, and goes on where an earlier hunt was ended.
 * What is known already is not hunted again. True when all that were wanted are caught by all searches, and
 * nothing that they have caught breaks a property without the bug.
 */
export async function huntAll(options: HuntAllOptions): Promise<boolean> {
  const { bugs, words, isAgain, print } = options;
  const isNamed = words.length > 0;
  const wanted = selectBugs(bugs, words).filter(({ path }) => isNamed || escaping[path] === undefined);
  const results = new Map<string, BugResult>();
  const known = readResults();
  for (const filed of bugs) {
    const result = isAgain && wanted.includes(filed) ? null : currentResult(known, filed);
    if (result !== null) results.set(filed.path, result);
  }
  const alarms: string[] = [];
  const unfinished = isAgain ? {} : readUnfinished();
  for (const [at, filed] of wanted.entries()) {
    const before = results.get(filed.path);
    if (before !== undefined && !isWorthMore(before, options.seedsMax)) continue;
    const states = await huntOne(filed, {
      ...options,
      unfinished,
      before,
      done: at / wanted.length,
      onAlarm: (result) => alarms.push(alarmOf(filed, result)),
    });
    const result = resultOf(filed, states);
    results.set(filed.path, result);
    writeResults([...results.values()]);
    writePage();
    delete unfinished[filed.path];
    writeUnfinished(unfinished);
    if (!isCaught(result)) print(`NOT CAUGHT: ${filed.path}, ${seedsOf(result)}`);
  }
  writeResults([...results.values()]);
  writePage();
  const rows = wanted.flatMap(({ path }) => results.get(path) ?? []);
  printTable(rows, print);
  for (const alarm of alarms) print(alarm);
  return rows.every(isCaught) && alarms.length === 0;
}

/** Writes the page from the results as they are. */
export function writePage(): void {
  writeFileSync(pagePath, currentPage());
}

/** The page as the results of both kinds of mutants make it. */
export function currentPage(): string {
  const generic = readGenericResults();
  return mutantsPage([plantedSection(readResults()), ...(generic === null ? [] : [genericSection(generic)])]);
}

function isWorthMore(result: BugResult, seedsMax: number): boolean {
  return result.searches.some(({ property, seeds }) => property === null && seeds < seedsMax);
}

type HuntOneOptions = HuntAllOptions & {
  readonly unfinished: Unfinished;
  readonly before: BugResult | undefined;
  readonly onAlarm: (result: SeedResult) => void;
  /** The share of the bugs that are through. */
  readonly done: number;
};

function huntOne(filed: FiledBug, options: HuntOneOptions): Promise<readonly SearchState[]> {
  const { unfinished, before, done, seedsMax, workers, progress, onAlarm } = options;
  const { path, bug } = filed;
  const hash = hashOf(bug);
  const begun = unfinished[path];
  const beginning = firstSeeds.map((firstSeed) => ({ firstSeed, heldSeeds: 0, caught: null }));
  const later = before === undefined ? beginning : statesOf(before);
  let savedMs = performance.now();
  return huntBug(filed, {
    states: begun?.hash === hash ? begun.states : later,
    seedsMax,
    workers,
    folder: outputPath('hunt'),
    onAlarm,
    onProgress: (states) => {
      const seeds = states.map(({ heldSeeds, caught }) => `${heldSeeds}${caught === null ? '' : '!'}`);
      progress(`${progressBar(done)}  ${path}  ${seeds.join(' + ')} seeds`);
      if (performance.now() - savedMs < saveEveryMs) return;
      savedMs = performance.now();
      unfinished[path] = { hash, states };
      writeUnfinished(unfinished);
    },
  });
}

function printTable(results: readonly BugResult[], print: Print): void {
  print('');
  const width = Math.max(0, ...results.map(({ path }) => path.length));
  for (const result of results) {
    print(`${result.path.padEnd(width)}  ${seedsOf(result).padEnd(16)}  ${propertiesOf(result)}`);
  }
  print(`${results.filter(isCaught).length} of ${results.length} caught by all three searches`);
}

/** A finding of its own, and more than any mutant: the program itself is wrong, or a checker is. */
function alarmOf({ bug }: FiledBug, { seed, host, broken }: SeedResult): string {
  const repeated = commandOf({ seed, host, workload: bug.workload, mutant: null });
  return `WITHOUT ANY BUG seed ${seed} (${host}): ${broken?.message ?? 'nothing'}\n  repeat it:  ${repeated}`;
}

function readUnfinished(): Unfinished {
  const path = unfinishedPath();
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Unfinished) : {};
}

function writeUnfinished(unfinished: Unfinished): void {
  const path = unfinishedPath();
  writeFileSync(`${path}.new`, JSON.stringify(unfinished));
  renameSync(`${path}.new`, path);
}

function unfinishedPath(): string {
  return outputPath('mutants.json');
}
