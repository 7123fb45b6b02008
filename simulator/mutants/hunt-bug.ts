import { rmSync } from 'node:fs';
import { type Losses, runPool } from '../command/pool.ts';
import type { SeedResult, SeedTask } from '../command/seed-result.ts';
import { plantBug } from './plant-bug.ts';
import type { FiledBug } from './planted-bugs.ts';
import { type Catch, Search, type SearchState } from './search.ts';

export type HuntOptions = {
  /** Where the searches begin, or go on. */
  readonly states: readonly SearchState[];
  /** The most seeds that one search takes. */
  readonly seedsMax: number;
  /** Parallel processes; 0: one for each core. */
  readonly workers: number;
  /** Where the copy with the bug in it lies meanwhile. */
  readonly folder: string;
  /** Told after each seed of how far the searches have come. */
  readonly onProgress: (states: readonly SearchState[]) => void;
};

/** A run takes a second or so, and some seconds on a busy machine. */
const answerWithinMs = 120_000;

/** What a mistake does that no checker has to look for. */
const endings = {
  assertion: 'assertion',
  died: 'the process dies',
  silent: 'the run does not end',
} as const;

/** Searches for a planted bug in a copy of the program until every search is over. */
export async function huntBug(
  { path, bug }: FiledBug,
  options: HuntOptions,
): Promise<readonly SearchState[]> {
  const { states, seedsMax, workers, folder, onProgress } = options;
  const planted = plantBug(bug, folder);
  if (!planted.ok)
    throw new Error(`${path} cannot be planted: ${planted.error.code}: ${planted.error.message}`);
  const searches = states.map((state) => new Search(state, seedsMax));
  const answered = (seed: number, found: Omit<Catch, 'seed'> | null): void => {
    const search = searches.find((candidate) => candidate.has(seed));
    if (found === null) search?.holds(seed);
    else search?.breaks({ seed, ...found });
    onProgress(searches.map(({ state }) => state));
  };
  const losses: Losses = {
    answerWithinMs,
    onLost: ({ seed }, loss) => answered(seed, { property: endings[loss], marks: null }),
  };
  try {
    await runPool({
      workers,
      workerPath: planted.value.workerPath,
      next: () => nextTask(bug, searches),
      onResult: (result) => answered(result.seed, catchOf(result, bug.mark)),
      losses,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return searches.map(({ state }) => state);
}

/** From the search that has come least far, so that all three end at about the same time. */
function nextTask({ host, workload }: FiledBug['bug'], searches: readonly Search[]): SeedTask | null {
  const inOrder = searches.toSorted((left, right) => left.takenSeeds - right.takenSeeds);
  for (const search of inOrder) {
    const seed = search.take();
    if (seed !== null) return { host, workload, seed, isRepeated: false };
  }
  return null;
}

function catchOf({ broken, groups }: SeedResult, mark: string): Omit<Catch, 'seed'> | null {
  if (broken === null) return null;
  const property = broken.property === 'InvariantViolation' ? endings.assertion : broken.property;
  return { property, marks: groups.marks[mark] ?? 0 };
}
