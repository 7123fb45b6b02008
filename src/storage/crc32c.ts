/** CRC-32C (Castagnoli), which LevelDB has in its files and Node does not offer. */
export function crc32c(bytes: Uint8Array): number {
  let crc = -1;
  // By position: an iterator takes five times as long, and a checkpoint has a hundred megabytes.
  for (let at = 0; at < bytes.length; at++) crc = (table[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

/** LevelDB stores a checksum turned and shifted, so that one of bytes which hold checksums stays a good one. */
export function unmaskedCrc(masked: number): number {
  const turned = (masked - maskDelta) >>> 0;
  return ((turned >>> 17) | (turned << 15)) >>> 0;
}

const maskDelta = 0xa282ead8;
const reversedPolynomial = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++)
    value = (value & 1) === 1 ? (value >>> 1) ^ reversedPolynomial : value >>> 1;
  return value >>> 0;
});
