import { describe, expect, it } from 'vitest';
import { crc32c, unmaskedCrc } from '../../src/storage/crc32c.ts';

describe('the tables of a database', () => {
  it('are checked by CRC-32C, with the values of RFC 3720', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at))).toBe(0x46dd794e);
  });

  it('hold it masked: turned right by 15 bits, and a constant added', () => {
    expect(unmaskedCrc(0xa282ead8)).toBe(0);
    expect(unmaskedCrc(0xa282ead8 + 0x20000)).toBe(1);
    expect(unmaskedCrc(0xa282ead7)).toBe(0xffffffff);
  });
});
