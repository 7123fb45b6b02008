import { describe, expect, it } from 'vitest';
import { totalOf } from './run-trials.ts';
import { tryCheckpointPlaces } from './try-checkpoint-places.ts';

describe('a node whose checkpoint is damaged', () => {
  it.each(['whole', 'cut off'] as const)(
    'comes up in one of four ways at each place, its log %s',
    {
      timeout: 0,
    },
    async (log) => {
      const { attempts, tally } = await tryCheckpointPlaces(log, 1, 10);
      expect(totalOf(tally)).toBe(attempts);
    },
  );
});
