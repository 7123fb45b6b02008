import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { damageableFiles, everyDamage, inflict, restore, someDamage } from './damage.ts';
import { originalOf, setScene, tryDamage, type Verdict, verdictOf } from './damage-trial.ts';

const trials = 300;
const seed = 5_150_001;
/** 1 tries every place, 401 every 401st. An odd number, so that both flips and cuts are met. */
const stride = Number(process.env['OTTLA_DAMAGE_STRIDE'] ?? 1);

describe('a node whose log or quorum state is damaged', () => {
  it('never helps to lose what was acknowledged, in a few hundred places', { timeout: 0 }, async () => {
    const scene = await setScene();
    const damages = someDamage(scene.damaged.place.dataDir, trials, seededRandom(seed));
    for (const damage of damages) await tryDamage(scene, [damage]);
    expect(damages).toHaveLength(trials);
  });

  it('comes up in one of four ways for every byte flipped and every length cut to', {
    timeout: 0,
  }, async () => {
    const scene = await setScene();
    const { damaged, offset } = scene;
    const original = originalOf(scene.quorum, damaged.id);
    const damages = everyDamage(damageableFiles(original)).filter((_, index) => index % stride === 0);
    const counts = new Map<Verdict, number>();
    for (const damage of damages) {
      restore(damaged.place.dataDir, original);
      inflict(damaged.place.dataDir, damage);
      await damaged.start();
      // A node that neither observes nor recovers, and so votes, must hold every acknowledged record.
      const verdict = await verdictOf(damaged, offset);
      counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
      await damaged.child.kill();
    }
    process.stdout.write(`  ${JSON.stringify(Object.fromEntries(counts))}\n`);
    expect([...counts.values()].reduce((total, count) => total + count, 0)).toBe(damages.length);
  });
});
