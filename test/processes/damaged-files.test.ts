import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { type Damage, describeDamage, someDamage } from './damage.ts';
import { setScene, tryDamage } from './damage-trial.ts';

const samples = 14;
const seed = 20_250_711;

describe('a node whose log or quorum state is damaged', () => {
  it('serves all, recovers, observes or refuses by name, and never helps to lose what was acknowledged', async () => {
    const scene = await setScene();
    const verdicts: string[] = [];
    for (const damage of someDamage(scene.damaged.place.dataDir, samples, seededRandom(seed))) {
      const verdict = await tryDamage(scene, [damage]);
      verdicts.push(verdict);
      process.stdout.write(`  ${describeDamage(damage)}: ${verdict}\n`);
    }
    // The log was really damaged, not only the room behind it; and one valid quorum-state file suffices.
    expect(verdicts).toContain('recovering');
    expect(verdicts).toContain('serves all');
  });

  it('is an observer under a new directory id when neither quorum-state file is valid', async () => {
    const scene = await setScene();
    const damages = ['metadata/quorum-state-a', 'metadata/quorum-state-b'].map(
      (file): Damage => ({ file, kind: 'flip', position: 40 }),
    );
    expect(await tryDamage(scene, damages)).toBe('observer');
  });
});
