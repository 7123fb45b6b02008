/**
 * Record batches written from Kafka's specification alone, byte by byte and by BigInt, so that no code of ours judges
 * itself (https://kafka.apache.org/documentation/#messageformat).
 */
export type SpecifiedRecord = {
  readonly timestampDelta: bigint;
  readonly offsetDelta: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
};

export type SpecifiedBatch = {
  readonly baseOffset: bigint;
  readonly partitionLeaderEpoch: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly records: readonly SpecifiedRecord[];
  /** What stands in the place of the records, where they are packed. */
  readonly packed?: Uint8Array;
};

/** Two's complement, the most significant byte first. */
function int(value: bigint | number, bytes: number): number[] {
  const bits = BigInt.asUintN(8 * bytes, BigInt(value));
  return Array.from({ length: bytes }, (_, at) => Number((bits >> BigInt(8 * (bytes - 1 - at))) & 0xffn));
}

export function varint(value: bigint | number): number[] {
  const signed = BigInt(value);
  let bits = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n));
  const bytes: number[] = [];
  for (; bits > 0x7fn; bits >>= 7n) bytes.push(Number(bits & 0x7fn) | 0x80);
  return [...bytes, Number(bits)];
}

function sized(value: Uint8Array | null): number[] {
  return value === null ? varint(-1) : [...varint(value.length), ...value];
}

export function specifiedRecord(record: SpecifiedRecord): number[] {
  const body = [
    0,
    ...varint(record.timestampDelta),
    ...varint(record.offsetDelta),
    ...sized(record.key),
    ...sized(record.value),
    ...varint(record.headers.length),
    ...record.headers.flatMap(({ key, value }) => [...sized(new TextEncoder().encode(key)), ...sized(value)]),
  ];
  return [...varint(body.length), ...body];
}

export function specifiedBatch(batch: SpecifiedBatch): Uint8Array {
  const covered = [
    ...int(batch.attributes, 2),
    ...int(batch.lastOffsetDelta, 4),
    ...int(batch.baseTimestamp, 8),
    ...int(batch.maxTimestamp, 8),
    ...int(batch.producerId, 8),
    ...int(batch.producerEpoch, 2),
    ...int(batch.baseSequence, 4),
    ...int(batch.records.length, 4),
    ...(batch.packed ?? batch.records.flatMap(specifiedRecord)),
  ];
  const crc = bitwiseCrc32c(Uint8Array.from(covered));
  const counted = [...int(batch.partitionLeaderEpoch, 4), 2, ...int(crc, 4), ...covered];
  return Uint8Array.from([...int(batch.baseOffset, 8), ...int(counted.length, 4), ...counted]);
}

/** The remainder of a division by the polynomial 0x1edc6f41, bits turned round. */
export function bitwiseCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
  }
  return Number(crc ^ 0xffffffffn);
}
