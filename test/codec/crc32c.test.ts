import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/codec/crc32c.ts';
import { bitwiseCrc32c } from './specified-record-batch.ts';

const scsiRead = [
  '01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018',
  '28000000 00000000 02000000 00000000',
].join('');

describe('CRC-32C', () => {
  it.each([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['32 ascending', Uint8Array.from({ length: 32 }, (_, at) => at), 0x46dd794e],
    ['32 descending', Uint8Array.from({ length: 32 }, (_, at) => 31 - at), 0x113fdb5c],
    ['a SCSI read', Buffer.from(scsiRead.replaceAll(' ', ''), 'hex'), 0xd9963a56],
    ['nothing', new Uint8Array(0), 0],
  ])('is as RFC 3720, B.4, and its definition have it: %s', (_name, bytes, crc) => {
    expect(crc32c(bytes)).toBe(crc);
  });

  it('is the remainder that division bit by bit gives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(crc32c(bytes)).toBe(bitwiseCrc32c(bytes));
      }),
    );
  });
});
