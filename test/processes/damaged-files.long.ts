import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { someDamage } from './damage.ts';
import { setScene, tryDamage } from './damage-trial.ts';

const trials = 300;
const seed = 5_150_001;

describe('a node whose log or quorum state is damaged', () => {
  it('never helps to lose what was acknowledged, in a few hundred places', { timeout: 0 }, async () => {
    const scene = await setScene();
    const damages = someDamage(scene.damaged.place.dataDir, trials, seededRandom(seed));
    for (const damage of damages) await tryDamage(scene, [damage]);
    expect(damages).toHaveLength(trials);
  });
});
