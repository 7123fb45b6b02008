import { gunzipSync, gzipSync } from 'node:zlib';
import { assert } from '../../base/assert.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { invalid, type RecordBatchError } from './errors.ts';
import {
  noProducer,
  type RecordBatchHeader,
  type RecordBatchProducer,
  recordBatchHeaderBytes,
  verifyRecordBatch,
  writeRecordBatchHeader,
} from './header.ts';
import { varintBytes, VarintReader, VarintWriter } from './varint.ts';

/** The names of Kafka's record headers may repeat, and their order counts. */
export type HeaderOfRecord = { readonly key: string; readonly value: Uint8Array | null };

export type NewRecord = {
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly HeaderOfRecord[];
};

/** As it was read. Keys and values are views into the batch, or into what its records were unpacked to. */
export type StoredRecord = NewRecord & { readonly offset: number };

export type NewRecordBatch = {
  readonly records: readonly NewRecord[];
  /** Others come from clients as they are, and are stored as they came. */
  readonly compression?: 'none' | 'gzip';
  readonly producer?: RecordBatchProducer;
  readonly isTransactional?: boolean;
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
};

/** What records may unpack to; a few kilobytes of gzip may announce gigabytes. */
const unpackedBytesMax = 67_108_864;

/** Encodes a batch of at least one record, the timestamps being the producer's own. */
export function encodeRecordBatch(batch: NewRecordBatch): Buffer {
  const { records, compression = 'none', producer = noProducer } = batch;
  const [first] = records;
  assert(first !== undefined, 'a batch has at least one record');
  const baseTimestampMs = first.timestampMs;
  const room = recordBatchHeaderBytes + recordsBytes(records, baseTimestampMs);
  const plain = Buffer.alloc(room);
  const writer = new VarintWriter(plain, recordBatchHeaderBytes);
  for (const [delta, record] of records.entries()) writeRecord(writer, record, delta, baseTimestampMs);
  assert(writer.position === room, 'the records fill the room that was made for them');
  const encoded = compression === 'none' ? plain : packed(plain);
  writeRecordBatchHeader(encoded, {
    baseOffset: batch.baseOffset ?? 0,
    partitionLeaderEpoch: batch.partitionLeaderEpoch ?? 0,
    compression,
    timestampType: 'createTime',
    isTransactional: batch.isTransactional ?? false,
    isControl: false,
    hasDeleteHorizon: false,
    lastOffsetDelta: records.length - 1,
    baseTimestampMs,
    maxTimestampMs: records.reduce(
      (latest, { timestampMs }) => Math.max(latest, timestampMs),
      first.timestampMs,
    ),
    ...producer,
    recordCount: records.length,
  });
  return encoded;
}

function packed(plain: Buffer): Buffer {
  return Buffer.concat([
    Buffer.alloc(recordBatchHeaderBytes),
    gzipSync(plain.subarray(recordBatchHeaderBytes)),
  ]);
}

function recordsBytes(records: readonly NewRecord[], baseTimestampMs: number): number {
  let total = 0;
  for (const [delta, record] of records.entries()) {
    const body = bodyBytes(record, delta, baseTimestampMs);
    total += varintBytes(body) + body;
  }
  return total;
}

function bodyBytes(record: NewRecord, offsetDelta: number, baseTimestampMs: number): number {
  const { timestampMs, key, value, headers } = record;
  const fixed = 1 + varintBytes(timestampMs - baseTimestampMs) + varintBytes(offsetDelta);
  const named = headers.reduce(
    (total, header) =>
      total + sizedBytes(Buffer.byteLength(header.key)) + sizedBytes(header.value?.length ?? -1),
    varintBytes(headers.length),
  );
  return fixed + sizedBytes(key?.length ?? -1) + sizedBytes(value?.length ?? -1) + named;
}

function sizedBytes(length: number): number {
  return varintBytes(length) + Math.max(0, length);
}

function writeRecord(writer: VarintWriter, record: NewRecord, delta: number, baseTimestampMs: number): void {
  const { timestampMs, key, value, headers } = record;
  writer.varint(bodyBytes(record, delta, baseTimestampMs));
  // Attributes of a record: none is defined.
  writer.int8(0);
  writer.varint(timestampMs - baseTimestampMs);
  writer.varint(delta);
  writer.sizedBytes(key);
  writer.sizedBytes(value);
  writer.varint(headers.length);
  for (const header of headers) {
    writer.sizedBytes(Buffer.from(header.key));
    writer.sizedBytes(header.value);
  }
}

export type DecodedRecordBatch = {
  readonly header: RecordBatchHeader;
  readonly records: readonly StoredRecord[];
};

/** Decodes the batch that begins at `position` and checks all of it: header, CRC, every record. Never throws. */
export function decodeRecordBatch(
  bytes: Uint8Array,
  position = 0,
): Result<DecodedRecordBatch, RecordBatchError> {
  const verified = verifyRecordBatch(bytes, position);
  if (!verified.ok) return verified;
  const header = verified.value;
  const stored = bytes.subarray(position + recordBatchHeaderBytes, position + header.sizeInBytes);
  const unpacked = unpack(stored, header);
  if (!unpacked.ok) return unpacked;
  const records = readRecords(unpacked.value, header);
  return records.ok ? ok({ header, records: records.value }) : records;
}

function unpack(
  stored: Uint8Array,
  { compression, baseOffset }: RecordBatchHeader,
): Result<Uint8Array, RecordBatchError> {
  if (compression === 'none') return ok(stored);
  if (compression !== 'gzip') {
    const message = `the records at offset ${baseOffset} are packed by ${compression}`;
    return failed({ code: 'UNSUPPORTED_COMPRESSION_TYPE', message });
  }
  try {
    return ok(gunzipSync(stored, { maxOutputLength: unpackedBytesMax }));
  } catch {
    return invalid(`the records at offset ${baseOffset} cannot be unpacked`);
  }
}

function readRecords(
  bytes: Uint8Array,
  header: RecordBatchHeader,
): Result<readonly StoredRecord[], RecordBatchError> {
  const records: StoredRecord[] = [];
  const reader = new VarintReader(bytes, 0, bytes.length);
  let lastDelta = -1;
  // A record takes a byte at least, so that no count makes this longer than the bytes are.
  for (let count = 0; count < header.recordCount; count++) {
    const body = reader.sizedBytes('a record');
    if (body === null) reader.fail('a record without a length');
    if (body === null || reader.fault !== null) return invalidAt(header, reader.fault ?? '');
    const record = readRecord(body, header, lastDelta);
    if (!record.ok) return record;
    records.push(record.value);
    lastDelta = record.value.offset - header.baseOffset;
  }
  if (reader.position !== bytes.length) return invalidAt(header, 'bytes follow its last record');
  return ok(records);
}

function readRecord(
  body: Uint8Array,
  header: RecordBatchHeader,
  lastDelta: number,
): Result<StoredRecord, RecordBatchError> {
  const reader = new VarintReader(body, 0, body.length);
  reader.int8('the attributes');
  const timestampDelta = reader.varlong('a timestamp');
  const offsetDelta = reader.varint('an offset');
  const key = reader.sizedBytes('a key');
  const value = reader.sizedBytes('a value');
  const headers = readHeaders(reader, body.length);
  if (reader.position !== body.length) reader.fail('bytes follow a record’s last header');
  if (offsetDelta <= lastDelta || offsetDelta > header.lastOffsetDelta) {
    reader.fail(`the offset delta ${offsetDelta} follows ${lastDelta}`);
  }
  const timestampMs =
    header.timestampType === 'logAppendTime'
      ? header.maxTimestampMs
      : header.baseTimestampMs + timestampDelta;
  if (!Number.isSafeInteger(timestampMs)) reader.fail('a timestamp is no safe integer');
  if (reader.fault !== null) return invalidAt(header, reader.fault);
  return ok({ offset: header.baseOffset + offsetDelta, timestampMs, key, value, headers });
}

function readHeaders(reader: VarintReader, bytesMax: number): readonly HeaderOfRecord[] {
  const count = reader.varint('the number of headers');
  // Each takes two bytes at least.
  if (count < 0 || 2 * count > bytesMax) reader.fail(`${count} headers`);
  const headers: HeaderOfRecord[] = [];
  for (let at = 0; at < count && reader.fault === null; at++) {
    const key = reader.sizedBytes('a header’s key');
    if (key === null) reader.fail('a header without a key');
    const value = reader.sizedBytes('a header’s value');
    headers.push({ key: textOf(reader, key), value });
  }
  return headers;
}

function textOf(reader: VarintReader, bytes: Uint8Array | null): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes ?? new Uint8Array(0));
  } catch {
    reader.fail('a header’s key is no UTF-8');
    return '';
  }
}

function invalidAt({ baseOffset }: RecordBatchHeader, message: string): Result<never, RecordBatchError> {
  return invalid(`the batch at offset ${baseOffset}: ${message}`);
}
