/** Kafka's hash of a record's key, so that its clients and this one agree on a key's partition. */
export function murmur2(bytes: Uint8Array): number {
  const mixing = 0x5bd1e995;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hash = 0x9747b28c ^ bytes.length;
  const wholeWords = bytes.length & ~3;
  for (let at = 0; at < wholeWords; at += 4) {
    let word = Math.imul(view.getInt32(at, true), mixing);
    word ^= word >>> 24;
    hash = Math.imul(hash, mixing) ^ Math.imul(word, mixing);
  }
  const rest = bytes.subarray(wholeWords);
  if (rest.length > 0) {
    for (const [at, byte] of rest.entries()) hash ^= byte << (8 * at);
    hash = Math.imul(hash, mixing);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, mixing);
  return hash ^ (hash >>> 15);
}

/** Where a record with this key goes, of so many partitions. */
export function partitionOfKey(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions;
}
