import { crc32 } from 'node:zlib';

/** CRC-32 (the zlib polynomial) as an unsigned 32-bit integer. */
export function crcOf(bytes: Uint8Array): number {
  return crc32(bytes);
}

/** Carries a CRC on: `continueCrc(crcOf(a), b)` is the CRC of `a` followed by `b`. */
export function continueCrc(crc: number, bytes: Uint8Array): number {
  return crc32(bytes, crc);
}

/** What precedes the first batch of a log: nothing was chained yet. */
export const initialChainCrc = 0;
