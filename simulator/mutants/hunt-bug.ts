import { rmSync } from 'node:fs';
import { type Losses, runPool } from '../command/pool.ts';
import type { SeedResult, SeedTask } from '../command/seed-result.ts';
import { plantBug } from './plant-bug.ts';
import type { PlantedBug } from './planted-bug.ts';
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
  /** Told of a seed that breaks a property without the bug, too. It counts as one that shows nothing. */
  readonly onAlarm: (result: SeedResult) => void;
};

/** A run takes a second or so, and some seconds on a busy machine. */
const answerWithinMs = 120_000;

/** What a mistake does that no checker has to look for. */
const endings = {
  assertion: 'assertion',
  died: 'the process dies',
  silent: 'the run does not end',
} as const;

/** The program without any bug, as it is built. */
const soundWorkerPath = 'dist/simulator/command/worker.js';

/** Searches for a planted bug in a copy of the program until every search is over. */
export async function huntBug(filed: FiledBug, options: HuntOptions): Promise<readonly SearchState[]> {
  const { bug, path } = filed;
  const { states, seedsMax, folder, onAlarm } = options;
  const planted = plantBug(bug, folder);
  if (!planted.ok) {
    const { code, message } = planted.error;
    throw new Error(`${path} cannot be planted: ${code}: ${message}`);
  }
  const searches = states.map((state) => new Search(state, seedsMax));
  try {
    for (let isOver = false; !isOver; ) {
      await runSearches(bug, searches, planted.value.workerPath, options);
      const alarms = await runWithout(bug, searches, options.workers);
      for (const alarm of alarms) {
        onAlarm(alarm);
        searches.find((search) => search.has(alarm.seed))?.dismiss();
      }
      isOver = alarms.length === 0;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return searches.map(({ state }) => state);
}

function runSearches(
  bug: PlantedBug,
  searches: readonly Search[],
  workerPath: string,
  { workers, onProgress }: HuntOptions,
): Promise<void> {
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
  return runPool({
    workers,
    workerPath,
    next: () => nextTask(bug, searches),
    onResult: (result) => answered(result.seed, catchOf(result, bug.mark)),
    losses,
  });
}

/** Runs what the searches have caught in the program without the bug. What breaks there as well is an alarm. */
async function runWithout(
  { host, workload }: PlantedBug,
  searches: readonly Search[],
  workers: number,
): Promise<readonly SeedResult[]> {
  const seeds = searches.flatMap(({ state }) => state.caught?.seed ?? []);
  const alarms: SeedResult[] = [];
  await runPool({
    workers,
    workerPath: soundWorkerPath,
    next: () => {
      const seed = seeds.shift();
      return seed === undefined ? null : { host, workload, seed, isRepeated: false };
    },
    onResult: (result) => {
      if (result.broken !== null) alarms.push(result);
    },
  });
  return alarms;
}

/** From the search that has come least far, so that all three end at about the same time. */
function nextTask({ host, workload }: PlantedBug, searches: readonly Search[]): SeedTask | null {
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
  return { property, marks: groups.marks[mark] ?? groups.coverage[mark] ?? 0 };
}
