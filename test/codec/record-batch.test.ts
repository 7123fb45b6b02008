import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { splitRecordBatches } from '../../src/codec/record-batch/batches.ts';
import {
  findProduceError,
  noProducer,
  placeRecordBatch,
  recordBatchEndOffset,
  recordBatchHeaderBytes,
  verifyRecordBatch,
} from '../../src/codec/record-batch/header.ts';
import {
  decodeRecordBatch,
  encodeRecordBatch,
  type NewRecord,
  type NewRecordBatch,
} from '../../src/codec/record-batch/records.ts';
import {
  bitwiseCrc32c,
  type SpecifiedBatch,
  specifiedBatch,
  specifiedRecord,
} from './specified-record-batch.ts';

const bytes = fc.uint8Array({ maxLength: 60 });
const nullable = fc.option(bytes);
const text = fc.string({ unit: 'binary', maxLength: 12 });
const timestamp = fc.integer({ min: -1, max: 4_000_000_000_000 });
const record = fc.record({
  timestampMs: timestamp,
  key: nullable,
  value: nullable,
  headers: fc.array(fc.record({ key: text, value: nullable }), { maxLength: 3 }),
});
const batch: fc.Arbitrary<NewRecordBatch> = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 8 }),
  compression: fc.constantFrom('none' as const, 'gzip' as const),
  producer: fc.oneof(
    fc.constant(noProducer),
    fc.record({
      producerId: fc.maxSafeNat(),
      producerEpoch: fc.nat({ max: 32_767 }),
      baseSequence: fc.nat({ max: 2 ** 31 - 1 }),
    }),
  ),
  isTransactional: fc.boolean(),
  baseOffset: fc.nat({ max: 2 ** 31 - 1 }),
  partitionLeaderEpoch: fc.nat({ max: 2 ** 31 - 1 }),
});

const plain: SpecifiedBatch = {
  baseOffset: 7_000_000_000n,
  partitionLeaderEpoch: 9,
  attributes: 0,
  lastOffsetDelta: 1,
  baseTimestamp: 1_700_000_000_000n,
  maxTimestamp: 1_700_000_000_300n,
  producerId: 12_000_000_000n,
  producerEpoch: 3,
  baseSequence: 2_147_483_646,
  records: [
    { timestampDelta: 300n, offsetDelta: 0, key: Buffer.from('k'), value: Buffer.from('value'), headers: [] },
    {
      timestampDelta: -5n,
      offsetDelta: 1,
      key: null,
      value: null,
      headers: [
        { key: 'trace', value: Buffer.from([0, 255]) },
        { key: 'trace', value: null },
        { key: 'größe', value: new Uint8Array(0) },
      ],
    },
  ],
};

/** As `plain` says it to our encoder. */
const told: NewRecordBatch = {
  baseOffset: 7_000_000_000,
  partitionLeaderEpoch: 9,
  producer: { producerId: 12_000_000_000, producerEpoch: 3, baseSequence: 2_147_483_646 },
  records: [
    { timestampMs: 1_700_000_000_000, key: Buffer.from('k'), value: Buffer.from('value'), headers: [] },
    {
      timestampMs: 1_700_000_000_300,
      key: null,
      value: null,
      headers: [
        { key: 'trace', value: Buffer.from([0, 255]) },
        { key: 'trace', value: null },
        { key: 'größe', value: new Uint8Array(0) },
      ],
    },
  ],
};

/** Bytes by their values alone, whatever class of theirs they come in. */
function plainOf({ timestampMs, key, value, headers }: NewRecord): unknown {
  const numbers = (bytesOrNull: Uint8Array | null): unknown =>
    bytesOrNull === null ? null : [...bytesOrNull];
  const named = headers.map((header) => [header.key, numbers(header.value)]);
  return { timestampMs, key: numbers(key), value: numbers(value), named };
}

function codeOf(encoded: Uint8Array): string {
  const decoded = decodeRecordBatch(encoded);
  return decoded.ok ? 'none' : decoded.error.code;
}

/** What is behind the CRC was changed on purpose. */
function withCrc(encoded: Uint8Array): Uint8Array {
  const changed = Buffer.from(encoded);
  changed.writeUInt32BE(bitwiseCrc32c(changed.subarray(21)), 17);
  return changed;
}

describe('a record batch', () => {
  it('is read as the specification writes it', () => {
    const decoded = decodeRecordBatch(specifiedBatch(plain));
    assert(decoded.ok, 'it is read');
    const { header, records } = decoded.value;
    expect(header).toMatchObject({
      baseOffset: 7_000_000_000,
      partitionLeaderEpoch: 9,
      compression: 'none',
      timestampType: 'createTime',
      isTransactional: false,
      isControl: false,
      producerId: 12_000_000_000,
      producerEpoch: 3,
      baseSequence: 2_147_483_646,
      maxTimestampMs: 1_700_000_000_300,
      recordCount: 2,
    });
    expect(recordBatchEndOffset(header)).toBe(7_000_000_002);
    expect(records.map(({ offset, timestampMs }) => [offset, timestampMs])).toEqual([
      [7_000_000_000, 1_700_000_000_300],
      [7_000_000_001, 1_699_999_999_995],
    ]);
    expect(records.map(plainOf)).toEqual([
      { timestampMs: 1_700_000_000_300, key: [107], value: [...Buffer.from('value')], named: [] },
      {
        timestampMs: 1_699_999_999_995,
        key: null,
        value: null,
        named: [
          ['trace', [0, 255]],
          ['trace', null],
          ['größe', []],
        ],
      },
    ]);
  });

  it('is written as the specification says', () => {
    const [first, second] = plain.records;
    assert(first !== undefined && second !== undefined, 'there are two');
    const records = [
      { ...first, timestampDelta: 0n },
      { ...second, timestampDelta: 300n },
    ];
    expect(Uint8Array.from(encodeRecordBatch(told))).toEqual(specifiedBatch({ ...plain, records }));
  });

  it('is written as a golden text has it', () => {
    const small: NewRecordBatch = {
      records: [{ timestampMs: 1_000, key: null, value: Buffer.from('hi'), headers: [] }],
    };
    expect(encodeRecordBatch(small).toString('hex')).toBe(
      [
        '0000000000000000 0000003a 00000000 02 233dad44 0000 00000000 00000000000003e8 00000000000003e8',
        'ffffffffffffffff ffff ffffffff 00000001 10 00 00 00 01 04 6869 00',
      ]
        .join('')
        .replaceAll(' ', ''),
    );
  });

  it('comes back as it was, whatever it holds', () => {
    fc.assert(
      fc.property(batch, (made) => {
        const encoded = encodeRecordBatch(made);
        const decoded = decodeRecordBatch(encoded);
        assert(decoded.ok, `it is read: ${JSON.stringify(decoded)}`);
        const { header, records } = decoded.value;
        expect(records.map(plainOf)).toEqual(made.records.map(plainOf));
        expect(records.map(({ offset }) => offset)).toEqual(
          made.records.map((_, delta) => (made.baseOffset ?? 0) + delta),
        );
        expect(header).toMatchObject({ ...made.producer, sizeInBytes: encoded.length });
      }),
    );
  });

  it('is given its place in a log without touching its CRC', () => {
    const encoded = encodeRecordBatch(told);
    placeRecordBatch(encoded, 55, 12);
    const decoded = decodeRecordBatch(encoded);
    assert(decoded.ok, 'it is still whole');
    expect(decoded.value.header).toMatchObject({ baseOffset: 55, partitionLeaderEpoch: 12 });
    expect(decoded.value.records.map(({ offset }) => offset)).toEqual([55, 56]);
  });

  it('is refused for every single bit that turns behind its place', () => {
    const encoded = encodeRecordBatch(told);
    for (let bit = 8 * 8; bit < 8 * encoded.length; bit++) {
      const at = bit >> 3;
      // The leader epoch is the log's to guard, as the base offset is.
      if (at >= 12 && at < 16) continue;
      const damaged = Buffer.from(encoded);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (bit & 7));
      expect(codeOf(damaged), `bit ${bit}`).not.toBe('none');
    }
  });

  it('is refused wherever it is cut short', () => {
    const encoded = encodeRecordBatch(told);
    for (let length = 0; length < encoded.length; length++) {
      expect(codeOf(encoded.subarray(0, length))).toBe('CORRUPT_MESSAGE');
    }
  });

  it('never throws, whatever its bytes are, with a CRC that fits', () => {
    fc.assert(
      fc.property(
        batch,
        fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        (made, changes) => {
          const changed = Buffer.from(encodeRecordBatch(made));
          for (const [at, value] of changes) {
            if (21 + at < changed.length) changed[21 + at] = value;
          }
          const decoded = decodeRecordBatch(withCrc(changed));
          const isAsSaid = decoded.ok
            ? decoded.value.records.length === decoded.value.header.recordCount
            : decoded.error.message.length > 0;
          expect(isAsSaid).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['an older format', 'UNSUPPORTED_FOR_MESSAGE_FORMAT', (b: Buffer) => b.writeInt8(1, 16)],
    ['a length below its header', 'CORRUPT_MESSAGE', (b: Buffer) => b.writeInt32BE(48, 8)],
    ['a negative length', 'CORRUPT_MESSAGE', (b: Buffer) => b.writeInt32BE(-1, 8)],
    ['a length beyond every batch', 'MESSAGE_TOO_LARGE', (b: Buffer) => b.writeInt32BE(2 ** 31 - 1, 8)],
    ['a negative base offset', 'CORRUPT_MESSAGE', (b: Buffer) => b.writeInt32BE(-1, 0)],
    ['an unknown compression', 'UNSUPPORTED_COMPRESSION_TYPE', (b: Buffer) => b.writeInt16BE(5, 21)],
    [
      'a compression that is only stored',
      'UNSUPPORTED_COMPRESSION_TYPE',
      (b: Buffer) => b.writeInt16BE(4, 21),
    ],
    ['unknown attributes', 'INVALID_RECORD', (b: Buffer) => b.writeInt16BE(0x80, 21)],
    ['a gzip that is none', 'INVALID_RECORD', (b: Buffer) => b.writeInt16BE(1, 21)],
    ['a negative last offset', 'INVALID_RECORD', (b: Buffer) => b.writeInt32BE(-1, 23)],
    ['more records than offsets', 'INVALID_RECORD', (b: Buffer) => b.writeInt32BE(3, 57)],
    ['fewer records than there are', 'INVALID_RECORD', (b: Buffer) => b.writeInt32BE(1, 57)],
    ['a timestamp that no number holds', 'INVALID_RECORD', (b: Buffer) => b.writeInt32BE(2 ** 30, 27)],
    ['a producer id that no number holds', 'INVALID_RECORD', (b: Buffer) => b.writeInt32BE(2 ** 30, 43)],
    ['a record longer than the batch', 'INVALID_RECORD', (b: Buffer) => b.writeUInt8(0xfe, 61)],
    ['a record of no length', 'INVALID_RECORD', (b: Buffer) => b.writeUInt8(0x01, 61)],
  ])('is refused for %s', (_name, code, damage) => {
    const changed = Buffer.from(encodeRecordBatch(told));
    damage(changed);
    expect(codeOf(withCrc(changed))).toBe(code);
  });

  it('is refused where an offset comes twice, and read where compaction has left gaps', () => {
    const [first, second] = plain.records;
    assert(first !== undefined && second !== undefined, 'there are two');
    expect(codeOf(specifiedBatch({ ...plain, records: [first, { ...second, offsetDelta: 0 }] }))).toBe(
      'INVALID_RECORD',
    );
    const compacted = specifiedBatch({
      ...plain,
      lastOffsetDelta: 9,
      records: [first, { ...second, offsetDelta: 4 }],
    });
    const decoded = decodeRecordBatch(compacted);
    assert(decoded.ok, 'it is read');
    expect(decoded.value.records.map(({ offset }) => offset)).toEqual([7_000_000_000, 7_000_000_004]);
    expect(recordBatchEndOffset(decoded.value.header)).toBe(7_000_000_010);
  });

  it('gives the time of the append where its timestamps are the log’s', () => {
    const decoded = decodeRecordBatch(specifiedBatch({ ...plain, attributes: 0x08 }));
    assert(decoded.ok, 'it is read');
    expect(decoded.value.records.map(({ timestampMs }) => timestampMs)).toEqual([
      1_700_000_000_300, 1_700_000_000_300,
    ]);
  });

  it('is unpacked where gzip has packed it, and no further than it may', () => {
    const packed = gzipSync(Uint8Array.from(plain.records.flatMap(specifiedRecord)));
    const decoded = decodeRecordBatch(specifiedBatch({ ...plain, attributes: 1, packed }));
    assert(decoded.ok, 'it is read');
    expect(decoded.value.records.length).toBe(2);
    const bomb = gzipSync(new Uint8Array(80_000_000));
    expect(codeOf(specifiedBatch({ ...plain, attributes: 1, packed: bomb }))).toBe('INVALID_RECORD');
  });

  it('is verified whatever has packed it', () => {
    const stored = specifiedBatch({ ...plain, attributes: 4, packed: Uint8Array.of(1, 2, 3) });
    const header = verifyRecordBatch(stored);
    expect(header.ok && header.value.compression).toBe('zstd');
  });
});

describe('what a client produces', () => {
  const errorOf = (batchOf: Partial<SpecifiedBatch>): string | undefined => {
    const header = verifyRecordBatch(specifiedBatch({ ...plain, ...batchOf }));
    assert(header.ok, 'it is whole');
    return findProduceError(header.value)?.code;
  };
  const none = { producerId: -1n, producerEpoch: -1, baseSequence: -1 };

  it('is taken with a producer and without', () => {
    expect(errorOf({})).toBeUndefined();
    expect(errorOf(none)).toBeUndefined();
  });

  it.each<readonly [string, Partial<SpecifiedBatch>]>([
    ['holds control records', { attributes: 0x20 }],
    ['sets a delete horizon', { attributes: 0x40 }],
    ['has no records', { records: [], lastOffsetDelta: 0 }],
    ['leaves out offsets', { lastOffsetDelta: 2 }],
    ['is of a transaction of nobody', { ...none, attributes: 0x10 }],
    ['has a producer without an epoch', { producerEpoch: -1 }],
    ['has a producer without a sequence', { baseSequence: -1 }],
  ])('is refused where it %s', (_name, batchOf) => {
    expect(errorOf(batchOf)).toBe('INVALID_RECORD');
  });
});

describe('batches one behind another', () => {
  it('are told apart, and refused where the last one is cut short or one is damaged', () => {
    const encoded = [encodeRecordBatch(told), encodeRecordBatch(told)];
    const all = Buffer.concat(encoded);
    const split = splitRecordBatches(all);
    assert(split.ok, 'they are whole');
    expect(split.value.map(({ bytes: own }) => Buffer.compare(own, encodeRecordBatch(told)))).toEqual([0, 0]);
    expect(splitRecordBatches(all.subarray(0, all.length - 1)).ok).toBe(false);
    expect(splitRecordBatches(all.subarray(0, all.length - (encoded[1]?.length ?? 0) + 5)).ok).toBe(false);
    all[recordBatchHeaderBytes] = 0xff;
    expect(splitRecordBatches(all).ok).toBe(false);
  });
});
