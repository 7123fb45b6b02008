import { describe, expect, it } from 'vitest';
import { totalOf } from './run-trials.ts';
import { tryPlaces } from './try-places.ts';

describe('a node whose log or quorum state is damaged, within this process', () => {
  it('serves all, recovers, observes or refuses by name, and keeps its votes while it lacks a record', {
    timeout: 600_000,
  }, async () => {
    // A prime, so that flips and cuts and all positions within a sector are met.
    const { attempts, tally } = await tryPlaces(211, 5);
    expect(totalOf(tally)).toBe(attempts);
  });
});
