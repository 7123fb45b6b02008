import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { PlantedBug } from './planted-bug.ts';
import type { FiledBug } from './planted-bugs.ts';
import type { SearchState } from './search.ts';

/** What is kept of one search. */
export type SearchResult = {
  readonly firstSeed: number;
  /** So many were run, the one that showed the bug among them. */
  readonly seeds: number;
  /** What broke; null when nothing did. */
  readonly property: string | null;
  /** How often the run that showed the bug reached its mark; null when there is none, or it did not live to say. */
  readonly marks: number | null;
};

/** What is kept of one bug: facts that every machine finds alike. */
export type BugResult = {
  readonly path: string;
  readonly name: string;
  readonly source: string;
  readonly host: PlantedBug['host'];
  readonly workload: PlantedBug['workload'];
  readonly mark: string;
  /** Of everything that decides the outcome of a hunt. */
  readonly hash: string;
  readonly searches: readonly SearchResult[];
};

export const resultsPath = 'simulator/mutants/results.json';

/** Of what is planted and where it is hunted: a bug with another hash is another bug. */
export function hashOf({ host, workload, mark, patches }: PlantedBug): string {
  const planted = patches.map(({ file, find, replace }) => [file, find, replace]);
  const text = JSON.stringify([host, workload, mark, planted]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

export function resultOf({ path, bug }: FiledBug, states: readonly SearchState[]): BugResult {
  const { name, source, host, workload, mark } = bug;
  const searches = states.map(({ firstSeed, heldSeeds, caught }) => ({
    firstSeed,
    seeds: heldSeeds + (caught === null ? 0 : 1),
    property: caught?.property ?? null,
    marks: caught?.marks ?? null,
  }));
  return { path, name, source, host, workload, mark, hash: hashOf(bug), searches };
}

/** Where searches that have ended go on when they may take more seeds. */
export function statesOf({ searches }: BugResult): readonly SearchState[] {
  return searches.map(({ firstSeed, seeds, property, marks }) => {
    if (property === null) return { firstSeed, heldSeeds: seeds, caught: null };
    const heldSeeds = seeds - 1;
    return { firstSeed, heldSeeds, caught: { seed: firstSeed + heldSeeds, property, marks } };
  });
}

export function isCaught({ searches }: BugResult): boolean {
  return searches.every(({ property }) => property !== null);
}

/** A bug's result under its present name and source; null when it has none or was hunted as it was before. */
export function currentResult(results: readonly BugResult[], filed: FiledBug): BugResult | null {
  const found = results.find(({ path }) => path === filed.path);
  if (found === undefined || found.hash !== hashOf(filed.bug)) return null;
  return resultOf(filed, statesOf(found));
}

export function readResults(): readonly BugResult[] {
  return JSON.parse(readFileSync(resultsPath, 'utf8')) as readonly BugResult[];
}

/** By rename, so that a hunt that is ended in the middle leaves a whole file. */
export function writeResults(results: readonly BugResult[]): void {
  const sorted = results.toSorted((left, right) => (left.path < right.path ? -1 : 1));
  writeFileSync(`${resultsPath}.new`, encodeResults(sorted));
  renameSync(`${resultsPath}.new`, resultsPath);
}

/** One field and one search a line. */
export function encodeResults(results: readonly BugResult[]): string {
  if (results.length === 0) return '[]\n';
  const entries = results.map(({ searches, ...facts }) => {
    const fields = Object.entries(facts).map(
      ([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)}`,
    );
    const lines = searches.map((search) => `      ${JSON.stringify(search)}`).join(',\n');
    return `  {\n${fields.join(',\n')},\n    "searches": [\n${lines}\n    ]\n  }`;
  });
  return `[\n${entries.join(',\n')}\n]\n`;
}
