import { assert } from '../../base/assert.ts';

/**
 * A segment file is a row of sectors of 512 bytes, the unit that a disk writes whole or not at all. The
 * first byte of a written sector is its guard, never zero; the other 511 carry the payload stream. So a
 * sector that was never written (segments are zeroed before use) is told from one that was, whatever the
 * payload is, and a sector that begins a frame is told from one that continues it.
 *
 * A payload position counts payload bytes from the beginning of the file: position q stands in sector
 * q / 511, at byte 1 + q % 511 of it.
 */
export const sectorBytes = 512;
export const sectorPayloadBytes = 511;

export const segmentGuard = 0xf0;
export const frameGuard = 0xf1;
export const continuationGuard = 0xf2;

export function sectorsFor(payloadBytes: number): number {
  return Math.ceil(payloadBytes / sectorPayloadBytes);
}

/** Where a payload byte stands in the file. */
export function physicalPosition(payloadPosition: number): number {
  const sector = Math.floor(payloadPosition / sectorPayloadBytes);
  return sector * sectorBytes + 1 + (payloadPosition - sector * sectorPayloadBytes);
}

/** The payload position of the first payload byte of the sector at `position`. */
export function payloadPositionOf(position: number): number {
  assert(position % sectorBytes === 0, `${position} is not the beginning of a sector`);
  return (position / sectorBytes) * sectorPayloadBytes;
}

export function isBlank(bytes: Uint8Array): boolean {
  return firstNonZero(bytes) === -1;
}

const zeros = Buffer.alloc(65_536);

/** Index of the first byte that is not zero, or -1. Compares in bulk, since whole segments are looked through. */
export function firstNonZero(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; at += zeros.length) {
    const end = Math.min(at + zeros.length, bytes.length);
    if (zeros.compare(bytes, at, end, 0, end - at) === 0) continue;
    const found = bytes.subarray(at, end).findIndex((byte) => byte !== 0);
    return at + found;
  }
  return -1;
}

/** Copies `payload` into `target`, whose payload stream it continues at `payloadPosition`, around the guards. */
export function writePayload(target: Uint8Array, payloadPosition: number, payload: Uint8Array): void {
  let room = sectorPayloadBytes - (payloadPosition % sectorPayloadBytes);
  let position = physicalPosition(payloadPosition);
  if (payload.length <= room) {
    target.set(payload, position);
    return;
  }
  let from = 0;
  while (from < payload.length) {
    const length = Math.min(room, payload.length - from);
    target.set(payload.subarray(from, from + length), position);
    from += length;
    position += length + 1;
    room = sectorPayloadBytes;
  }
}

/** The `length` payload bytes from `payloadPosition` on in `source`, in a new array. */
export function readPayload(source: Uint8Array, payloadPosition: number, length: number): Buffer {
  const payload = Buffer.allocUnsafe(length);
  let room = sectorPayloadBytes - (payloadPosition % sectorPayloadBytes);
  let position = physicalPosition(payloadPosition);
  let at = 0;
  while (at < length) {
    const count = Math.min(room, length - at);
    payload.set(source.subarray(position, position + count), at);
    at += count;
    position += count + 1;
    room = sectorPayloadBytes;
  }
  return payload;
}
