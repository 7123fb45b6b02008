import { assert } from '../base/assert.ts';
import { offset, type Offset } from '../base/brands.ts';
import { uuidToBytes } from '../base/uuid.ts';
import { batchEndOffset, type LogBatch } from '../raft/batch.ts';
import type {
  FetchedRecords,
  FetchOutcome,
  FetchRequest,
  FetchResponse,
  FetchSnapshotRequest,
  FetchSnapshotResponse,
  SpaceStatus,
} from '../raft/messages.ts';
import { batchHeaderBytes, decodeBatch, statedCrc, statedPreviousCrc } from './batch.ts';
import { crcOf } from './crc.ts';
import type { FieldReader } from './field-reader.ts';
import { codecLimits } from './limits.ts';
import { packReplica, packSnapshotId, readReplica, readSnapshotId } from './replica-fields.ts';

export type FetchMessage = FetchRequest | FetchResponse | FetchSnapshotRequest | FetchSnapshotResponse;

/** An outcome is `[kind, ...fields]`; kinds are numbered for the wire. */
const recordsKind = 0;
const divergingKind = 1;
const snapshotKind = 2;
const refusedKind = 3;
const chunkKind = 4;

/** Numbered for the wire by their place. */
const spaceStatuses: readonly SpaceStatus[] = ['enough', 'low', 'exhausted'];

export function packFetchMessage(message: FetchMessage): readonly unknown[] {
  const head = [uuidToBytes(message.clusterId), message.epoch];
  switch (message.type) {
    case 'fetchRequest': {
      const { fetchOffset, lastFetchedEpoch, flushedOffset, highWatermark, round, fetchId } = message;
      const position = [fetchOffset, lastFetchedEpoch, flushedOffset, highWatermark, round, fetchId];
      const space = spaceStatuses.indexOf(message.space);
      return [...head, packReplica(message.replica), ...position, space];
    }
    case 'fetchResponse':
      return [...head, message.leaderId, message.fetchId, packFetchOutcome(message.outcome)];
    case 'fetchSnapshotRequest': {
      const { replica, snapshotId, position, maxBytes } = message;
      return [...head, packReplica(replica), packSnapshotId(snapshotId), position, maxBytes];
    }
    case 'fetchSnapshotResponse': {
      const outcome = packSnapshotOutcome(message.outcome);
      return [...head, message.leaderId, packSnapshotId(message.snapshotId), outcome];
    }
  }
}

function packFetchOutcome(outcome: FetchOutcome): readonly unknown[] {
  switch (outcome.kind) {
    case 'records': {
      const { fetchOffset, highWatermark, logStartOffset, logEndOffset, epochStartOffset, round } = outcome;
      const offsets = [fetchOffset, highWatermark, logStartOffset, logEndOffset, epochStartOffset, round];
      return [recordsKind, ...offsets, outcome.batches.map(encodedBytes)];
    }
    case 'diverging':
      return [divergingKind, outcome.divergingEpoch, outcome.endOffset];
    case 'snapshot':
      return [snapshotKind, packSnapshotId(outcome.snapshotId)];
    case 'refused':
      return [refusedKind, outcome.error];
  }
}

function encodedBytes(batch: LogBatch): Uint8Array {
  assert(batch.body.form === 'encoded', 'a batch travels only as the leader encoded it');
  return batch.body.bytes;
}

function packSnapshotOutcome(outcome: FetchSnapshotResponse['outcome']): readonly unknown[] {
  if (outcome.kind === 'refused') return [refusedKind, outcome.error];
  return [chunkKind, outcome.position, outcome.bytes, outcome.crc, outcome.last];
}

export function readFetchMessage(fields: FieldReader, type: FetchMessage['type']): FetchMessage {
  const clusterId = fields.uuid('cluster id');
  const epoch = fields.epoch('epoch');
  switch (type) {
    case 'fetchRequest':
      return {
        type,
        clusterId,
        epoch,
        replica: fields.nested('replica', readReplica),
        fetchOffset: fields.offset('fetch offset'),
        lastFetchedEpoch: fields.epoch('last fetched epoch'),
        flushedOffset: fields.offset('flushed offset'),
        highWatermark: fields.offset('high watermark'),
        round: fields.count('round'),
        fetchId: fields.count('fetch id'),
        space: spaceStatuses[fields.integer('space', 0, spaceStatuses.length - 1)] ?? 'enough',
      };
    case 'fetchResponse': {
      const leaderId = fields.nodeIdOrNull('leader id');
      const fetchId = fields.count('fetch id');
      return {
        type,
        clusterId,
        epoch,
        leaderId,
        fetchId,
        outcome: fields.nested('outcome', readFetchOutcome),
      };
    }
    case 'fetchSnapshotRequest':
      return {
        type,
        clusterId,
        epoch,
        replica: fields.nested('replica', readReplica),
        snapshotId: fields.nested('snapshot id', readSnapshotId),
        position: fields.count('position'),
        maxBytes: fields.count('limit'),
      };
    case 'fetchSnapshotResponse': {
      const leaderId = fields.nodeIdOrNull('leader id');
      const snapshotId = fields.nested('snapshot id', readSnapshotId);
      const outcome = fields.nested('outcome', readSnapshotOutcome);
      return { type, clusterId, epoch, leaderId, snapshotId, outcome };
    }
  }
}

function readFetchOutcome(fields: FieldReader): FetchOutcome {
  switch (fields.uint32('kind')) {
    case recordsKind:
      return readFetchedRecords(fields);
    case divergingKind:
      return {
        kind: 'diverging',
        divergingEpoch: fields.epoch('diverging epoch'),
        endOffset: fields.offset('end offset'),
      };
    case snapshotKind:
      return { kind: 'snapshot', snapshotId: fields.nested('snapshot id', readSnapshotId) };
    case refusedKind:
      return {
        kind: 'refused',
        error: fields.oneOf('error', [
          'NOT_LEADER_OR_FOLLOWER',
          'FENCED_LEADER_EPOCH',
          'UNKNOWN_LEADER_EPOCH',
        ]),
      };
    default:
      fields.fail('has an unknown kind');
      return { kind: 'diverging', divergingEpoch: fields.epoch('epoch'), endOffset: offset(0) };
  }
}

function readFetchedRecords(fields: FieldReader): FetchedRecords {
  const fetchOffset = fields.offset('fetch offset');
  return {
    kind: 'records',
    fetchOffset,
    highWatermark: fields.offset('high watermark'),
    logStartOffset: fields.offset('log start'),
    logEndOffset: fields.offset('log end'),
    epochStartOffset: fields.offset('epoch start'),
    round: fields.count('round'),
    batches: readBatches(fields, fetchOffset),
  };
}

/** Batches that begin at `fetchOffset`, follow each other, and are chained by their CRCs. */
function readBatches(fields: FieldReader, fetchOffset: Offset): readonly LogBatch[] {
  const bytesMax = batchHeaderBytes + codecLimits.batchPayloadBytesMax;
  const encoded = fields.list('batches', codecLimits.fetchBatchesMax, (list) =>
    list.bytes('batch', bytesMax),
  );
  const batches: LogBatch[] = [];
  let end = fetchOffset;
  for (const bytes of encoded) {
    const decoded = decodeBatch(bytes);
    if (!decoded.ok) {
      fields.fail(`holds a bad batch: ${decoded.error.message}`);
      return [];
    }
    const { batch, header } = decoded.value;
    const before = batches.at(-1);
    if (header.length !== bytes.length) fields.fail('holds a batch with trailing bytes');
    if (batch.baseOffset !== end) fields.fail(`holds a batch at ${batch.baseOffset} where ${end} was due`);
    if (before !== undefined && statedPreviousCrc(batch) !== statedCrc(before))
      fields.fail('breaks the chain of CRCs');
    if (before !== undefined && batch.epoch < before.epoch) fields.fail('goes back in epochs');
    end = batchEndOffset(batch);
    batches.push(batch);
  }
  return batches;
}

function readSnapshotOutcome(fields: FieldReader): FetchSnapshotResponse['outcome'] {
  const kind = fields.uint32('kind');
  if (kind === refusedKind) {
    const error = fields.oneOf('error', [
      'NOT_LEADER_OR_FOLLOWER',
      'FENCED_LEADER_EPOCH',
      'UNKNOWN_LEADER_EPOCH',
      'SNAPSHOT_NOT_FOUND',
      'POSITION_OUT_OF_RANGE',
    ]);
    return { kind: 'refused', error };
  }
  if (kind !== chunkKind) fields.fail('has an unknown kind');
  const position = fields.count('position');
  const bytes = fields.bytes('chunk', codecLimits.snapshotChunkBytesMax);
  const crc = fields.uint32('CRC');
  if (crcOf(bytes) !== crc) fields.fail('holds a chunk that fails its CRC');
  return { kind: 'chunk', position, bytes, crc, last: fields.boolean('last flag') };
}
