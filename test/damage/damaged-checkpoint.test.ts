import { describe, expect, it } from 'vitest';
import { totalOf, verdictsOf } from './run-trials.ts';
import { tryCheckpointPlaces } from './try-checkpoint-places.ts';

/** A prime, so that flips and cuts are met. */
const stride = 97;

describe('a node whose checkpoint is damaged', () => {
  it('serves all from its log when that begins at the beginning', { timeout: 600_000 }, async () => {
    const { scene, attempts, tally } = await tryCheckpointPlaces('whole', stride, 5);
    expect(scene.logStart).toBe(0);
    expect(totalOf(tally)).toBe(attempts);
    expect(verdictsOf(tally)).toEqual(new Set(['serves all']));
  });

  it('recovers from its peers when the log before the checkpoint is gone, and votes not before', {
    timeout: 600_000,
  }, async () => {
    const { scene, attempts, tally } = await tryCheckpointPlaces('cut off', stride, 2);
    expect(scene.logStart).toBeGreaterThan(0);
    expect(totalOf(tally)).toBe(attempts);
    expect(verdictsOf(tally)).toContain('recovering');
  });
});
