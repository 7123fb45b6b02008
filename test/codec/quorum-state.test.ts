import { describe, expect, it } from 'vitest';
import { epoch, nodeId } from '../../src/base/brands.ts';
import { crcOf } from '../../src/codec/crc.ts';
import { decodeQuorumState, encodeQuorumState } from '../../src/codec/quorum-state.ts';

/** No vote was cast; one byte is another, and the CRC is right. */
function withByte(position: number, value: number): ReturnType<typeof decodeQuorumState> {
  const state = { epoch: epoch(4), leaderId: nodeId(1), voted: null, recovering: false };
  const bytes = Buffer.from(encodeQuorumState({ sequence: 9, state }));
  bytes[position] = value;
  bytes.writeUInt32BE(crcOf(bytes.subarray(0, 44)), 44);
  return decodeQuorumState(bytes);
}

describe('a quorum state whose CRC is right', () => {
  it('is taken as it was written', () => {
    expect(withByte(0, 0x4f)).toMatchObject({ ok: true });
  });

  it.each([
    ['an unknown flag', 6, 4],
    ['a vote without a voter', 6, 1],
    ['a byte where zero is due', 7, 1],
    ['a negative epoch', 16, 0x80],
    ['a directory that was voted for, and nobody in it', 28, 1],
    ['the end of such a directory', 43, 1],
  ])('is refused with what no encoder writes: %s', (_what, position, value) => {
    expect(withByte(position, value)).toMatchObject({ ok: false, error: { code: 'MALFORMED' } });
  });
});
