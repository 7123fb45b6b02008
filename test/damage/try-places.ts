import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { everyPlace, everyPlaceWithoutQuorumState, type Place } from './places.ts';
import { type Attempt, describeTally, runTrials, type Tally } from './run-trials.ts';
import { type Scene, setScene } from './scene.ts';
import type { Verdict } from './trial.ts';

/** Names the file, and behind it the place in it. */
const refusal = /(segment-\d+\.log|quorum-state-[ab]).*\b\d+\b/s;

/** A folder on a real disk that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-damage-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Every byte of log and quorum state flipped and each file cut to every length; and all that again for one
 * quorum-state file while the other is not valid either. Of these each `stride`-th; of those each
 * `recoverEvery`-th goes on until all three nodes hold everything again.
 */
export async function tryPlaces(
  stride: number,
  recoverEvery: number,
): Promise<{ readonly attempts: number; readonly tally: Tally }> {
  const folder = temporaryFolder();
  const scene = await setScene(folder);
  const attempts = everyAttempt(scene).filter((_, index) => index % stride === 0);
  const tally = await runTrials(folder, scene, attempts, (index) => ({
    untilRecovered: index % recoverEvery === 0,
    refusal,
  }));
  process.stdout.write(describeTally(tally));
  return { attempts: attempts.length, tally };
}

function everyAttempt(scene: Scene): readonly Attempt[] {
  const single = everyPlace(scene).map((place) => ({
    name: `${place.kind}, ${place.damage.kind}`,
    damages: [place.damage],
    allowed: allowedFor(place),
  }));
  // Under its old directory id such a node could cast a vote of an epoch a second time.
  const double = everyPlaceWithoutQuorumState(scene).map((damages) => ({
    name: 'both quorum states, flip or cut',
    damages,
    allowed: ['observer'] as const,
  }));
  return [...single, ...double];
}

/** A valid quorum state suffices; a file of another size than it was made with is never sound (design 17). */
function allowedFor({ kind, damage }: Place): readonly Verdict[] {
  if (kind === 'quorum state') return ['serves all'];
  return damage.kind === 'cut' ? ['recovering', 'refused'] : ['serves all', 'recovering', 'refused'];
}
