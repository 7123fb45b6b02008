/** LevelDB stores a checksum turned and shifted, so that one of bytes which hold checksums stays a good one. */
export function unmaskedCrc(masked: number): number {
  const turned = (masked - maskDelta) >>> 0;
  return ((turned >>> 17) | (turned << 15)) >>> 0;
}

const maskDelta = 0xa282ead8;
