import { describe, expect, it } from 'vitest';
import { RandomWorld } from './random/world.ts';

/** `OTTLA_SEEDS=5000` looks longer; `OTTLA_SEED=17` looks at one run alone. */
const seedCount = Number(process.env['OTTLA_SEEDS'] ?? 100);
const oneSeed = process.env['OTTLA_SEED'];
const firstSeed = oneSeed === undefined ? 1 : Number(oneSeed);
const lastSeed = oneSeed === undefined ? seedCount : firstSeed;

describe('random runs over a faulty network and faulty disks', () => {
  it('keep every safety property after every event and work again once the faults end', () => {
    const totals = { elections: 0, committed: 0, barriers: 0, truncations: 0, snapshots: 0, voterChanges: 0 };
    for (let seed = firstSeed; seed <= lastSeed; seed++) {
      const world = new RandomWorld(seed);
      try {
        world.run(2500);
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
      const { checker } = world;
      totals.elections += checker.elections;
      totals.committed += checker.committed.length;
      totals.barriers += checker.barriersDone;
      totals.truncations += checker.truncations;
      totals.snapshots += checker.snapshotsInstalled;
      totals.voterChanges += checker.voterChanges;
    }
    // Runs in which nothing happens would show nothing.
    if (oneSeed !== undefined) return;
    const idle = Object.entries(totals).filter(([, total]) => total <= seedCount / 40);
    expect(idle).toEqual([]);
  }, 300_000);
});
