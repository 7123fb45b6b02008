import { describe, expect, it } from 'vitest';
import { slowedDelay } from '../../src/testing/world/chance.ts';

describe('the delay of a slow disk', () => {
  it('grows with its slowness, and not so far that a heal phase cannot outlast it', () => {
    expect(slowedDelay(5_000, 1)).toBe(5_000);
    expect(slowedDelay(5_000, 100)).toBe(500_000);
    // Seed 1676085377 (node): one write took 80 seconds, and the node that waited for it never came back.
    expect(slowedDelay(836_000, 100)).toBe(2_000_000);
  });

  it('is never shorter than that of the same disk at its best', () => {
    expect(slowedDelay(3_000_000, 4)).toBe(3_000_000);
  });
});
