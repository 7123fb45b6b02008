import { assert } from '../base/assert.ts';
import { isEpoch, isOffset } from '../base/brands.ts';
import { ok, type Result } from '../base/result.ts';
import type { LogBatch } from '../raft/batch.ts';
import { type CodecError, malformed, unsupportedVersion } from './codec-error.ts';
import { decodeControlRecords, encodeControlRecords } from './control-record.ts';
import { continueCrc, crcOf } from './crc.ts';
import { readInt64, viewOf, writeInt64 } from './int64.ts';
import { codecLimits } from './limits.ts';

/**
 * One batch as bytes, the same on every node, on disk and on the wire. Big-endian:
 *
 * | at | size | field |
 * |----|------|-------|
 * | 0  | 2    | magic, 0x4f42 ("OB") |
 * | 2  | 1    | format version, 1 |
 * | 3  | 1    | kind: 0 data, 1 control |
 * | 4  | 4    | length of the whole batch in bytes, header included |
 * | 8  | 8    | base offset |
 * | 16 | 4    | epoch |
 * | 20 | 4    | record count |
 * | 24 | 8    | append timestamp, ms since 1970 |
 * | 32 | 4    | CRC of the batch before this one, 0 before the first of all |
 * | 36 | 4    | CRC-32 of bytes 0–35 followed by the payload |
 * | 40 |      | payload: records (data) or control records |
 *
 * The own CRC covers the previous batch's, so it stands for the whole log up to here: two logs with the
 * same CRC at the same offset are the same log (Raft paper 5.3, log matching, made checkable).
 */
export const batchHeaderBytes = 40;
const magic = 0x4f42;
const version = 1;
const crcPosition = 36;

/** The header of an encoded batch, checked as far as a header can be without its payload. */
export type BatchHeaderFields = {
  readonly kind: LogBatch['kind'];
  readonly length: number;
  readonly baseOffset: LogBatch['baseOffset'];
  readonly epoch: LogBatch['epoch'];
  readonly recordCount: number;
  readonly appendTimestampMs: number;
  readonly previousCrc: number;
  readonly crc: number;
};

/** Encodes a batch that this node, being leader, makes now; `previousCrc` is the log's chain CRC before it. */
export function encodeBatch(batch: LogBatch, previousCrc: number): Uint8Array {
  const payload = payloadOf(batch);
  assert(batch.recordCount >= 1, 'a batch has at least one record');
  assert(
    batch.recordCount <= codecLimits.batchRecordsMax,
    `a batch of ${batch.recordCount} records is too large`,
  );
  assert(
    payload.length <= codecLimits.batchPayloadBytesMax,
    `a batch of ${payload.length} bytes is too large`,
  );
  const bytes = Buffer.allocUnsafe(batchHeaderBytes + payload.length);
  const view = viewOf(bytes);
  view.setUint16(0, magic);
  view.setUint8(2, version);
  view.setUint8(3, batch.kind === 'control' ? 1 : 0);
  view.setUint32(4, bytes.length);
  writeInt64(view, 8, batch.baseOffset);
  view.setInt32(16, batch.epoch);
  view.setUint32(20, batch.recordCount);
  writeInt64(view, 24, batch.appendTimestampMs);
  view.setUint32(32, previousCrc);
  bytes.set(payload, batchHeaderBytes);
  view.setUint32(crcPosition, ownCrc(bytes));
  return bytes;
}

function payloadOf(batch: LogBatch): Uint8Array {
  const { body } = batch;
  if (batch.kind === 'control') {
    assert(body.form === 'none', 'a control batch that is being made has no bytes yet');
    assert(batch.records.length === batch.recordCount, 'a control batch counts its records');
    return encodeControlRecords(batch.records);
  }
  assert(body.form === 'payload', 'a data batch that is being made has a payload');
  return body.bytes;
}

function ownCrc(batch: Uint8Array): number {
  return continueCrc(crcOf(batch.subarray(0, crcPosition)), batch.subarray(batchHeaderBytes));
}

/** Reads the header that begins at `position`; the batch may be longer than what is there. Never throws. */
export function decodeBatchHeader(bytes: Uint8Array, position = 0): Result<BatchHeaderFields, CodecError> {
  if (bytes.length - position < batchHeaderBytes) return malformed('a batch is shorter than its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset + position, batchHeaderBytes);
  if (view.getUint16(0) !== magic) return malformed('a batch does not begin with its magic');
  const found = view.getUint8(2);
  if (found !== version) return unsupportedVersion('batch', found, version);
  const kind = view.getUint8(3);
  if (kind > 1) return malformed(`a batch has the unknown kind ${kind}`);
  const length = view.getUint32(4);
  if (length < batchHeaderBytes) return malformed('a batch announces less than its header');
  if (length > batchHeaderBytes + codecLimits.batchPayloadBytesMax) return malformed('a batch is too long');
  return decodeNumbers(view, kind === 1 ? 'control' : 'data', length);
}

function decodeNumbers(
  view: DataView,
  kind: LogBatch['kind'],
  length: number,
): Result<BatchHeaderFields, CodecError> {
  const baseOffset = readInt64(view, 8);
  const epoch = view.getInt32(16);
  const recordCount = view.getUint32(20);
  const appendTimestampMs = readInt64(view, 24);
  if (!isOffset(baseOffset)) return malformed('a batch has a bad base offset');
  if (!isEpoch(epoch)) return malformed('a batch has a bad epoch');
  if (recordCount < 1 || recordCount > codecLimits.batchRecordsMax)
    return malformed('a batch has a bad record count');
  if (!isOffset(baseOffset + recordCount)) return malformed('a batch ends beyond the last offset');
  if (appendTimestampMs === null) return malformed('a batch has a bad timestamp');
  const previousCrc = view.getUint32(32);
  const crc = view.getUint32(crcPosition);
  return ok({ kind, length, baseOffset, epoch, recordCount, appendTimestampMs, previousCrc, crc });
}

export type DecodedBatch = { readonly batch: LogBatch; readonly header: BatchHeaderFields };

/**
 * Decodes the batch that begins at `position` and checks all of it: header, length, CRC, and the records
 * of a control batch. Its bytes are a view into `bytes`. Never throws.
 */
export function decodeBatch(bytes: Uint8Array, position = 0): Result<DecodedBatch, CodecError> {
  const decoded = decodeBatchHeader(bytes, position);
  if (!decoded.ok) return decoded;
  const header = decoded.value;
  if (header.length > bytes.length - position) return malformed('a batch is cut short');
  const whole = bytes.subarray(position, position + header.length);
  if (ownCrc(whole) !== header.crc)
    return malformed(`the batch at offset ${header.baseOffset} fails its CRC`);
  const { baseOffset, epoch, recordCount, appendTimestampMs } = header;
  const common = { baseOffset, epoch, recordCount, appendTimestampMs, sizeInBytes: whole.length };
  const body = { form: 'encoded', bytes: whole } as const;
  if (header.kind === 'data') return ok({ batch: { ...common, kind: 'data', body }, header });
  const records = decodeControlRecords(whole.subarray(batchHeaderBytes));
  if (!records.ok) return records;
  if (records.value.length !== recordCount) return malformed('a control batch miscounts its records');
  return ok({ batch: { ...common, kind: 'control', records: records.value, body }, header });
}

/** The encoded records of a batch that was fetched or read. */
export function batchPayload(batch: LogBatch): Uint8Array {
  assert(batch.body.form === 'encoded', 'only an encoded batch has its payload behind a header');
  return batch.body.bytes.subarray(batchHeaderBytes);
}

/** The CRC that an encoded batch states for the batch before it. */
export function statedPreviousCrc(batch: LogBatch): number {
  return uint32At(batch, 32);
}

/** The chain CRC after an encoded batch. */
export function statedCrc(batch: LogBatch): number {
  return uint32At(batch, crcPosition);
}

function uint32At(batch: LogBatch, position: number): number {
  assert(batch.body.form === 'encoded', 'only an encoded batch states a CRC');
  // Without a DataView, since the log asks this of every batch.
  const { bytes } = batch.body;
  const at = (index: number): number => bytes[position + index] ?? 0;
  return ((at(0) << 24) | (at(1) << 16) | (at(2) << 8) | at(3)) >>> 0;
}
