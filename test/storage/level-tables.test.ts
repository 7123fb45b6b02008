import { describe, expect, it } from 'vitest';
import { unmaskedCrc } from '../../src/storage/unmasked-crc.ts';

describe('the tables of a database', () => {
  it('hold it masked: turned right by 15 bits, and a constant added', () => {
    expect(unmaskedCrc(0xa282ead8)).toBe(0);
    expect(unmaskedCrc(0xa282ead8 + 0x20000)).toBe(1);
    expect(unmaskedCrc(0xa282ead7)).toBe(0xffffffff);
  });
});
