import { describe, expect, it } from 'vitest';
import { murmur2, partitionOfKey } from '../../../src/cli/data/murmur2.ts';

describe('the hash of a record’s key', () => {
  // From the tests of Kafka's own clients (org.apache.kafka.common.utils.UtilsTest).
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s is the one that Kafka’s clients have', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  it('gives a partition that there is', () => {
    for (let at = 0; at < 100; at++) {
      const partition = partitionOfKey(`key ${at}`, 7);
      expect(partition).toBeGreaterThanOrEqual(0);
      expect(partition).toBeLessThan(7);
    }
  });
});
