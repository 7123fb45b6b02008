import { assert } from '../../base/assert.ts';
import { isEpoch, isOffset } from '../../base/brands.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { crc32c } from '../crc32c.ts';
import { readSignedInt64, viewOf, writeInt64 } from '../int64.ts';
import { corrupt, invalid, type RecordBatchError, tooLarge } from './errors.ts';

/**
 * Kafka's record batch of format 2, which brokers store, send and take as it is. Big-endian:
 *
 * | at | size | field |
 * |----|------|-------|
 * | 0  | 8    | base offset |
 * | 8  | 4    | length of all that follows this field |
 * | 12 | 4    | partition leader epoch |
 * | 16 | 1    | magic, 2 |
 * | 17 | 4    | CRC-32C of everything behind it |
 * | 21 | 2    | attributes: 0–2 compression, 3 timestamp type, 4 transactional, 5 control, 6 delete horizon |
 * | 23 | 4    | last offset delta |
 * | 27 | 8    | base timestamp, ms since 1970, or the delete horizon |
 * | 35 | 8    | max timestamp |
 * | 43 | 8    | producer id, -1 for none |
 * | 51 | 2    | producer epoch |
 * | 53 | 4    | base sequence |
 * | 57 | 4    | record count |
 * | 61 |      | records, compressed as one where the attributes say so |
 *
 * What a leader fills in, base offset and leader epoch, stands before what the CRC covers.
 * (https://kafka.apache.org/documentation/#recordbatch; KIP-98)
 */
export const recordBatchHeaderBytes = 61;
/** What stands before the bytes that the length counts. */
const lengthEnd = 12;
const magicPosition = 16;
const crcPosition = 17;
const crcEnd = 21;
const magic = 2;

/** Nobody sends a larger batch: far above Kafka's default of 1 MiB (`message.max.bytes`). */
export const recordBatchBytesMax = 16_777_216;
const int32Max = 2 ** 31 - 1;

export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = (typeof compressions)[number];

/** `producerId` -1: it was produced without idempotence, and epoch and sequence are -1, too. */
export type RecordBatchProducer = {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
};

export const noProducer: RecordBatchProducer = { producerId: -1, producerEpoch: -1, baseSequence: -1 };

export type RecordBatchAttributes = {
  readonly compression: Compression;
  readonly timestampType: 'createTime' | 'logAppendTime';
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly hasDeleteHorizon: boolean;
};

export type RecordBatchHeader = RecordBatchAttributes &
  RecordBatchProducer & {
    readonly baseOffset: number;
    /** Of the whole batch, header included. */
    readonly sizeInBytes: number;
    readonly partitionLeaderEpoch: number;
    readonly crc: number;
    readonly lastOffsetDelta: number;
    readonly baseTimestampMs: number;
    readonly maxTimestampMs: number;
    /** Less than the offsets that the batch takes where compaction has removed some. */
    readonly recordCount: number;
  };

/** Exclusive. */
export function recordBatchEndOffset({ baseOffset, lastOffsetDelta }: RecordBatchHeader): number {
  return baseOffset + lastOffsetDelta + 1;
}

/**
 * Reads the header of the batch that begins at `position`, and checks it as far as it goes without the records; the
 * batch may be longer than what is there. Never throws.
 */
export function decodeRecordBatchHeader(
  bytes: Uint8Array,
  position = 0,
): Result<RecordBatchHeader, RecordBatchError> {
  if (bytes.length - position < recordBatchHeaderBytes) return corrupt('a batch is shorter than its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset + position, recordBatchHeaderBytes);
  const found = view.getInt8(magicPosition);
  if (found !== magic) {
    const message = `a batch of format ${found}; only format ${magic} is understood`;
    return failed({ code: 'UNSUPPORTED_FOR_MESSAGE_FORMAT', message });
  }
  const sizeInBytes = lengthEnd + view.getInt32(8);
  if (sizeInBytes < recordBatchHeaderBytes) return corrupt('a batch announces less than its header');
  if (sizeInBytes > recordBatchBytesMax) return tooLarge(`a batch announces ${sizeInBytes} bytes`);
  const attributes = decodeAttributes(view.getUint16(21));
  if (!attributes.ok) return attributes;
  return decodeNumbers(view, sizeInBytes, attributes.value);
}

function decodeAttributes(bits: number): Result<RecordBatchAttributes, RecordBatchError> {
  const compression = compressions[bits & 7];
  if (compression === undefined) {
    const message = `a batch has the unknown compression type ${bits & 7}`;
    return failed({ code: 'UNSUPPORTED_COMPRESSION_TYPE', message });
  }
  if (bits >= 0x80) return invalid(`a batch has the unknown attributes ${bits}`);
  return ok({
    compression,
    timestampType: (bits & 0x08) === 0 ? 'createTime' : 'logAppendTime',
    isTransactional: (bits & 0x10) !== 0,
    isControl: (bits & 0x20) !== 0,
    hasDeleteHorizon: (bits & 0x40) !== 0,
  });
}

function decodeNumbers(
  view: DataView,
  sizeInBytes: number,
  attributes: RecordBatchAttributes,
): Result<RecordBatchHeader, RecordBatchError> {
  const baseOffset = readSignedInt64(view, 0);
  const lastOffsetDelta = view.getInt32(23);
  const baseTimestampMs = readSignedInt64(view, 27);
  const maxTimestampMs = readSignedInt64(view, 35);
  const producerId = readSignedInt64(view, 43);
  const recordCount = view.getInt32(57);
  if (!isOffset(baseOffset)) return corrupt('a batch has a bad base offset');
  if (lastOffsetDelta < 0 || !isOffset(baseOffset + lastOffsetDelta + 1)) {
    return invalid(`a batch has the last offset delta ${lastOffsetDelta}`);
  }
  if (baseTimestampMs === null || maxTimestampMs === null) return invalid('a batch has a bad timestamp');
  if (recordCount < 0 || recordCount > lastOffsetDelta + 1) {
    return invalid(`a batch has ${recordCount} records for ${lastOffsetDelta + 1} offsets`);
  }
  if (producerId === null) return invalid('a batch has a bad producer id');
  const producer = { producerId, producerEpoch: view.getInt16(51), baseSequence: view.getInt32(53) };
  const partitionLeaderEpoch = view.getInt32(12);
  const crc = view.getUint32(crcPosition);
  return ok({
    baseOffset,
    sizeInBytes,
    partitionLeaderEpoch,
    crc,
    ...attributes,
    lastOffsetDelta,
    baseTimestampMs,
    maxTimestampMs,
    ...producer,
    recordCount,
  });
}

/** The header of the batch that begins at `position`, all of which is there and has its CRC. Never throws. */
export function verifyRecordBatch(
  bytes: Uint8Array,
  position = 0,
): Result<RecordBatchHeader, RecordBatchError> {
  const header = decodeRecordBatchHeader(bytes, position);
  if (!header.ok) return header;
  const { sizeInBytes, crc, baseOffset } = header.value;
  if (sizeInBytes > bytes.length - position) return corrupt('a batch is cut short');
  if (crc32c(bytes.subarray(position + crcEnd, position + sizeInBytes)) !== crc) {
    return corrupt(`the batch at offset ${baseOffset} fails its CRC`);
  }
  return header;
}

/**
 * What a client may send, which is less than what may stand in a log (Kafka's LogValidator). Null where it may.
 * The header is one that `verifyRecordBatch` gave.
 */
export function findProduceError(header: RecordBatchHeader): RecordBatchError | null {
  const { recordCount, lastOffsetDelta, producerId, producerEpoch, baseSequence } = header;
  const refusal = (message: string): RecordBatchError => ({ code: 'INVALID_RECORD', message });
  if (header.isControl) return refusal('clients write no control records');
  if (header.hasDeleteHorizon) return refusal('a client sets no delete horizon');
  if (recordCount === 0) return refusal('a batch without records');
  if (recordCount !== lastOffsetDelta + 1) {
    return refusal(`a batch has ${recordCount} records for ${lastOffsetDelta + 1} offsets`);
  }
  if (producerId < 0) return header.isTransactional ? refusal('a transaction without a producer id') : null;
  if (producerEpoch < 0) return refusal(`a producer has the epoch ${producerEpoch}`);
  if (baseSequence < 0) return refusal(`a producer sends the sequence ${baseSequence}`);
  return null;
}

export type NewRecordBatchHeader = Omit<RecordBatchHeader, 'sizeInBytes' | 'crc'>;

/** Fills in the header of `batch`, whose records stand behind it already, and its CRC. */
export function writeRecordBatchHeader(batch: Uint8Array, header: NewRecordBatchHeader): void {
  assert(batch.length >= recordBatchHeaderBytes, 'a batch has room for its header');
  assert(batch.length <= recordBatchBytesMax, `a batch of ${batch.length} bytes is too large`);
  assert(header.lastOffsetDelta <= int32Max, 'the last offset delta is an int32');
  const view = viewOf(batch);
  view.setInt32(8, batch.length - lengthEnd);
  view.setInt8(magicPosition, magic);
  view.setUint16(21, encodeAttributes(header));
  view.setInt32(23, header.lastOffsetDelta);
  writeInt64(view, 27, header.baseTimestampMs);
  writeInt64(view, 35, header.maxTimestampMs);
  writeInt64(view, 43, header.producerId);
  view.setInt16(51, header.producerEpoch);
  view.setInt32(53, header.baseSequence);
  view.setInt32(57, header.recordCount);
  view.setUint32(crcPosition, crc32c(batch.subarray(crcEnd)));
  placeRecordBatch(batch, header.baseOffset, header.partitionLeaderEpoch);
}

function encodeAttributes(attributes: RecordBatchAttributes): number {
  return (
    compressions.indexOf(attributes.compression) |
    (attributes.timestampType === 'logAppendTime' ? 0x08 : 0) |
    (attributes.isTransactional ? 0x10 : 0) |
    (attributes.isControl ? 0x20 : 0) |
    (attributes.hasDeleteHorizon ? 0x40 : 0)
  );
}

/** Gives a batch its place in a log, where it stands: the CRC does not cover it. */
export function placeRecordBatch(batch: Uint8Array, baseOffset: number, leaderEpoch: number): void {
  assert(isOffset(baseOffset), `not an offset: ${baseOffset}`);
  assert(isEpoch(leaderEpoch), `not an epoch: ${leaderEpoch}`);
  const view = viewOf(batch);
  writeInt64(view, 0, baseOffset);
  view.setInt32(12, leaderEpoch);
}
