import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/storage/crc32c.ts';
import { tablesOf } from '../../src/storage/level-tables.ts';

describe('the tables of a database', () => {
  it('are checked by CRC-32C, with the values of RFC 3720', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at))).toBe(0x46dd794e);
  });

  it('are those that the database names, of all levels', () => {
    const property =
      "--- level 0 ---\n 12:345['a' @ 3 : 1 .. 'b' @ 4 : 1]\n--- level 1 ---\n 7:9['c'..'d']\n";
    expect(tablesOf(property)).toEqual([12, 7]);
    expect(tablesOf('--- level 0 ---\n--- level 1 ---\n')).toEqual([]);
  });
});
