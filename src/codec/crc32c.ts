/**
 * CRC-32C (Castagnoli, RFC 3720), which Kafka's record batches and LevelDB's files have. Node does not offer it:
 * `zlib.crc32` is of another polynomial.
 */
export function crc32c(bytes: Uint8Array): number {
  let crc = -1;
  // By position: an iterator takes five times as long, and a checkpoint has a hundred megabytes.
  for (let at = 0; at < bytes.length; at++) crc = (table[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

const reversedPolynomial = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++)
    value = (value & 1) === 1 ? (value >>> 1) ^ reversedPolynomial : value >>> 1;
  return value >>> 0;
});
