import { kindNames, type WatchedKind } from '../../../src/metadata/registry.ts';
import type { HashedChance } from '../../../src/testing/world/chance.ts';
import type { RunConfig } from '../../faults/schedule.ts';

/** One program that watches from `atUs` on, to the end of the run. */
export type PlannedWatcher = {
  readonly atUs: number;
  /** It begins with the log's first record, if the log still holds that; otherwise with the state. */
  readonly fromBeginning: boolean;
  readonly kinds: readonly WatchedKind[] | null;
  /** How long it takes to read what it was given; a slow one falls behind what is in memory, and behind the log. */
  readonly readingUs: number;
};

/** With its copy of the state and what is compared with the log a watcher costs about as much as a node. */
const oneRunIn = 5;

/** Of five watchers two want some kinds only, each of them up to three. */
function drawKinds(chance: HashedChance): readonly WatchedKind[] | null {
  if (chance.integer(5) < 3) return null;
  const drawn = Array.from(
    { length: 1 + chance.integer(3) },
    () => kindNames[chance.integer(kindNames.length)],
  );
  return [...new Set(drawn.filter((kind) => kind !== undefined))];
}

/** No watcher for most seeds. */
export function generateWatchers(
  chance: HashedChance,
  config: RunConfig,
  isWanted: boolean,
): readonly PlannedWatcher[] {
  if (!chance.oneIn(oneRunIn) && !isWanted) return [];
  return Array.from({ length: 1 + chance.integer(3) }, () => ({
    atUs: 1 + chance.integer(Math.floor(config.durationUs / 2)),
    fromBeginning: chance.oneIn(3),
    kinds: drawKinds(chance),
    readingUs: chance.pick([0, 0, 1_000, 100_000, 1_000_000]),
  }));
}
