import { describe, expect, it } from 'vitest';
import { totalOf } from './run-trials.ts';
import { tryPlaces } from './try-places.ts';

describe('a node whose log or quorum state is damaged, within this process', () => {
  it('comes up in one of four ways for every byte flipped and every length cut to', {
    timeout: 0,
  }, async () => {
    const { attempts, tally } = await tryPlaces(1, 25);
    expect(totalOf(tally)).toBe(attempts);
  });
});
