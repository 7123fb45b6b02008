import { assert } from '../../base/assert.ts';
import { isOffset, type Offset } from '../../base/brands.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { continueCrc, crcOf } from '../../codec/crc.ts';
import { readInt64, viewOf, writeInt64 } from '../../codec/int64.ts';
import {
  continuationGuard,
  frameGuard,
  readPayload,
  sectorBytes,
  sectorsFor,
  writePayload,
} from './sectors.ts';

/**
 * One flush group on this node's disk. It begins at a sector; after the first guard, big-endian:
 *
 * | at | size | field |
 * |----|------|-------|
 * | 1  | 4    | magic, "OTLF" |
 * | 5  | 4    | body length in bytes |
 * | 9  | 8    | base offset: the log is cut to here, then the body's batches follow |
 * | 17 | 8    | end offset after the body |
 * | 25 | 4    | flushedBefore: sequence of the segment … |
 * | 29 | 4    | … and position in it, below which all was on disk when this frame was written |
 * | 33 | 4    | chain CRC at the base offset |
 * | 37 | 4    | CRC-32 of the body |
 * | 41 | 4    | CRC-32 of where the frame stands (sequence, position) and of bytes 1–40 |
 * | 45 |      | body: whole batches, byte-identical on all nodes, or nothing (a truncation) |
 *
 * The header lies in one sector, so a crash leaves it whole or absent. Its CRC covers its place, so that a
 * frame that was written elsewhere is not one here.
 */
export const frameHeaderBytes = 44;
const magic = 0x4f544c46;

export type FramePlace = { readonly sequence: number; readonly position: number };

export type FrameHeader = {
  readonly bodyBytes: number;
  readonly baseOffset: Offset;
  readonly endOffset: Offset;
  readonly flushedBefore: FramePlace;
  readonly chainCrc: number;
  readonly bodyCrc: number;
};

export function frameSectors(bodyBytes: number): number {
  return sectorsFor(frameHeaderBytes + bodyBytes);
}

/** Bytes of body for which `sectors` have room. */
export function bodyBytesIn(sectors: number): number {
  return sectors * (sectorBytes - 1) - frameHeaderBytes;
}

/** Memory for frames, kept from one to the next: only one frame is being written at any time. */
export class FrameBuffer {
  #bytes = Buffer.alloc(0);

  /**
   * Encodes a frame around `batches`, which are contiguous encoded batches from `baseOffset` to
   * `endOffset`. The result is valid until the next call.
   */
  encode(
    place: FramePlace,
    range: { readonly baseOffset: Offset; readonly endOffset: Offset; readonly chainCrc: number },
    batches: readonly Uint8Array[],
  ): Uint8Array {
    assert(place.position % sectorBytes === 0, 'a frame begins at a sector');
    const bodyBytes = batches.reduce((total, batch) => total + batch.length, 0);
    const sectors = frameSectors(bodyBytes);
    const target = this.#reserve(sectors * sectorBytes);
    for (let sector = 1; sector < sectors; sector++) target[sector * sectorBytes] = continuationGuard;
    let at = frameHeaderBytes;
    let bodyCrc = 0;
    for (const batch of batches) {
      writePayload(target, at, batch);
      at += batch.length;
      bodyCrc = continueCrc(bodyCrc, batch);
    }
    // What an earlier, longer frame left behind the body must not reach the disk.
    target.fill(0, target.length - (sectors * (sectorBytes - 1) - at));
    // The next frame is written only after this one's flush, so all before this one is on disk.
    writeHeader(target, place, { ...range, bodyBytes, bodyCrc, flushedBefore: place });
    return target;
  }

  #reserve(length: number): Buffer {
    if (this.#bytes.length < length) this.#bytes = Buffer.alloc(Math.max(length, 2 * this.#bytes.length));
    return this.#bytes.subarray(0, length);
  }
}

function writeHeader(target: Uint8Array, place: FramePlace, header: FrameHeader): void {
  const view = viewOf(target);
  view.setUint8(0, frameGuard);
  view.setUint32(1, magic);
  view.setUint32(5, header.bodyBytes);
  writeInt64(view, 9, header.baseOffset);
  writeInt64(view, 17, header.endOffset);
  view.setUint32(25, header.flushedBefore.sequence);
  view.setUint32(29, header.flushedBefore.position);
  view.setUint32(33, header.chainCrc);
  view.setUint32(37, header.bodyCrc);
  view.setUint32(41, headerCrc(target, place));
}

function headerCrc(sector: Uint8Array, place: FramePlace): number {
  const seed = new Uint8Array(8);
  const view = viewOf(seed);
  view.setUint32(0, place.sequence);
  view.setUint32(4, place.position);
  return continueCrc(crcOf(seed), sector.subarray(1, 41));
}

/** Decodes the header in a sector that is not blank; the failure is a reason in words. */
export function decodeFrameHeader(sector: Uint8Array, place: FramePlace): Result<FrameHeader, string> {
  const view = viewOf(sector);
  if (view.getUint8(0) !== frameGuard) return failed('a frame has a wrong guard');
  if (view.getUint32(1) !== magic) return failed('a frame does not begin with its magic');
  if (view.getUint32(41) !== headerCrc(sector, place)) return failed('a frame header fails its CRC');
  const baseOffset = readInt64(view, 9);
  const endOffset = readInt64(view, 17);
  if (!isOffset(baseOffset)) return failed('a frame has a bad base offset');
  if (!isOffset(endOffset)) return failed('a frame has a bad end offset');
  if (endOffset < baseOffset) return failed('a frame ends before it begins');
  const flushedBefore = { sequence: view.getUint32(25), position: view.getUint32(29) };
  if (flushedBefore.sequence !== place.sequence) return failed('a frame names another segment');
  if (flushedBefore.position !== place.position)
    return failed('a frame contradicts what was flushed before it');
  const [chainCrc, bodyCrc] = [view.getUint32(33), view.getUint32(37)];
  return ok({ bodyBytes: view.getUint32(5), baseOffset, endOffset, flushedBefore, chainCrc, bodyCrc });
}

/** The body of a frame whose header was decoded from the same bytes, once guards and CRC were checked. */
export function decodeFrameBody(frame: Uint8Array, header: FrameHeader): Result<Buffer, string> {
  for (let at = sectorBytes; at < frame.length; at += sectorBytes) {
    if (frame[at] !== continuationGuard)
      return failed(`a frame has a wrong guard in its sector ${at / sectorBytes}`);
  }
  const body = readPayload(frame, frameHeaderBytes, header.bodyBytes);
  if (crcOf(body) !== header.bodyCrc) return failed('a frame body fails its CRC');
  return ok(body);
}

/** Whether one whole sector of a frame is zeros, so that it was never written (design 19). */
export function hasBlankSector(frame: Uint8Array): boolean {
  for (let at = 0; at < frame.length; at += sectorBytes) {
    if (frame.subarray(at, at + sectorBytes).every((byte) => byte === 0)) return true;
  }
  return false;
}
