import { assert } from '../../base/assert.ts';
import { type Epoch, isEpoch, isOffset, type Offset } from '../../base/brands.ts';
import { ok, type Result } from '../../base/result.ts';
import { type CodecError, malformed, unsupportedVersion } from '../../codec/codec-error.ts';
import { crcOf } from '../../codec/crc.ts';
import { readInt64, viewOf, writeInt64 } from '../../codec/int64.ts';
import { sectorBytes, segmentGuard } from './sectors.ts';

/**
 * The first sector of a segment. After the guard, big-endian:
 *
 * | at | size | field |
 * |----|------|-------|
 * | 1  | 4    | magic, "OTLS" |
 * | 5  | 2    | format version of the segment and its frames, 1 |
 * | 7  | 2    | bit 0: the log begins anew here, all earlier segments are void |
 * | 9  | 4    | sequence of the segment |
 * | 13 | 4    | size of the file in bytes |
 * | 17 | 8    | base offset: where the log ended when the segment began |
 * | 25 | 4    | epoch of the record before the base offset |
 * | 29 | 4    | chain CRC at the base offset |
 * | 33 | 4    | CRC-32 of bytes 0–32 |
 */
export type SegmentHeader = {
  readonly sequence: number;
  readonly sizeBytes: number;
  readonly beginsAnew: boolean;
  readonly baseOffset: Offset;
  readonly epoch: Epoch;
  readonly chainCrc: number;
};

const magic = 0x4f544c53;
const version = 1;
const crcPosition = 33;

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  assert(header.sizeBytes % sectorBytes === 0, 'a segment is made of whole sectors');
  const bytes = new Uint8Array(sectorBytes);
  const view = viewOf(bytes);
  view.setUint8(0, segmentGuard);
  view.setUint32(1, magic);
  view.setUint16(5, version);
  view.setUint16(7, header.beginsAnew ? 1 : 0);
  view.setUint32(9, header.sequence);
  view.setUint32(13, header.sizeBytes);
  writeInt64(view, 17, header.baseOffset);
  view.setInt32(25, header.epoch);
  view.setUint32(29, header.chainCrc);
  view.setUint32(crcPosition, crcOf(bytes.subarray(0, crcPosition)));
  return bytes;
}

/** Decodes a segment's first sector; its CRC is believed first, so that only whole bytes name a version. */
export function decodeSegmentHeader(sector: Uint8Array): Result<SegmentHeader, CodecError> {
  if (sector.length < sectorBytes) return malformed('the segment is shorter than its header');
  const view = viewOf(sector);
  if (view.getUint8(0) !== segmentGuard) return malformed('the segment header has a wrong guard');
  if (view.getUint32(1) !== magic) return malformed('the segment does not begin with its magic');
  const crc = crcOf(sector.subarray(0, crcPosition));
  if (view.getUint32(crcPosition) !== crc) return malformed('the segment header fails its CRC');
  const found = view.getUint16(5);
  if (found !== version) return unsupportedVersion('log segment', found, version);
  const flags = view.getUint16(7);
  const sizeBytes = view.getUint32(13);
  const baseOffset = readInt64(view, 17);
  const epoch = view.getInt32(25);
  if (flags > 1) return malformed('the segment header has an unknown flag');
  if (sizeBytes % sectorBytes !== 0) return malformed('the segment header has a bad size');
  if (!isOffset(baseOffset)) return malformed('the segment header has a bad base offset');
  if (!isEpoch(epoch)) return malformed('the segment header has a bad epoch');
  const sequence = view.getUint32(9);
  return ok({
    sequence,
    sizeBytes,
    beginsAnew: flags === 1,
    baseOffset,
    epoch,
    chainCrc: view.getUint32(29),
  });
}

const namePattern = /^segment-(\d{10})\.log$/;

export function segmentName(sequence: number): string {
  return `segment-${String(sequence).padStart(10, '0')}.log`;
}

/** The sequence in a segment's file name, or null for any other file. */
export function sequenceOfName(name: string): number | null {
  const found = namePattern.exec(name)?.[1];
  return found === undefined ? null : Number(found);
}
