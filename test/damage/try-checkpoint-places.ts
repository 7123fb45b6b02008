import { everyPlaceInCheckpoint } from './places.ts';
import { describeTally, runTrials, type Tally } from './run-trials.ts';
import { setScene, type Scene } from './scene.ts';
import { temporaryFolder } from './try-places.ts';

/** Names the file of the database. */
const refusal = /checkpoint-\d+\/\S+/;
const keepAll = 1_000_000_000;

export type CheckpointTrials = { readonly scene: Scene; readonly attempts: number; readonly tally: Tally };

/**
 * Damages the checkpoint database of a node whose log begins at the beginning (`whole`), or only at its
 * checkpoint: each `stride`-th place, and every file removed once.
 */
export async function tryCheckpointPlaces(
  log: 'whole' | 'cut off',
  stride: number,
  recoverEvery: number,
): Promise<CheckpointTrials> {
  const folder = temporaryFolder();
  const logRetentionBytes = log === 'whole' ? keepAll : 0;
  const settings = { checkpointBytes: 1_500, logRetentionBytes };
  const scene = await setScene(folder, { settings, withCheckpoint: true, early: 10, late: 12 });
  const attempts = everyPlaceInCheckpoint(scene)
    .filter(({ damage }, index) => index % stride === 0 || damage.kind === 'remove')
    .map(({ kind, damage }) => ({ name: `log ${log}, ${kind}, ${damage.kind}`, damages: [damage] }));
  const tally = await runTrials(folder, scene, attempts, (index) => ({
    untilRecovered: index % recoverEvery === 0,
    refusal,
  }));
  process.stdout.write(describeTally(tally));
  return { scene, attempts: attempts.length, tally };
}
