import { epoch, nodeId, offset, uuid } from '../../../src/base/brands.ts';
import { encodeBatch, statedCrc } from '../../../src/codec/batch.ts';
import type { PeerMessage } from '../../../src/ports/transport.ts';
import type { DataBatch, LogBatch } from '../../../src/raft/batch.ts';

export const clusterId = uuid('AAAAAAAAAAAAAAAAAAAACA');
export const otherClusterId = uuid('AAAAAAAAAAAAAAAAAAAADA');

/** The directory id of node `id` in tests. */
export function directoryOf(id: number): ReturnType<typeof uuid> {
  return uuid(`${String(id).padStart(4, '0')}AAAAAAAAAAAAAAAAAQ`);
}

/** A small message of Raft's that carries a number, here its `fetchId`. */
export function fetchRequest(fetchId: number): PeerMessage {
  return {
    channel: 'raft',
    message: {
      type: 'fetchRequest',
      clusterId,
      epoch: epoch(1),
      replica: { id: nodeId(1), directoryId: directoryOf(1) },
      fetchOffset: offset(0),
      lastFetchedEpoch: epoch(0),
      flushedOffset: offset(0),
      highWatermark: offset(0),
      round: 0,
      fetchId,
      space: 'enough',
    },
  };
}

export function fetchIdOf(message: PeerMessage): number | null {
  const { type } = message.message;
  if (type !== 'fetchRequest' && type !== 'fetchResponse') return null;
  return message.message.fetchId;
}

/** A fetch answer with one batch for each given payload. */
export function fetchResponse(fetchId: number, payloads: readonly Uint8Array[]): PeerMessage {
  let previousCrc = 0;
  const batches = payloads.map((payload, index): LogBatch => {
    const made: DataBatch = {
      kind: 'data',
      baseOffset: offset(index),
      epoch: epoch(1),
      recordCount: 1,
      appendTimestampMs: 1,
      sizeInBytes: payload.length,
      body: { form: 'payload', bytes: payload },
    };
    const bytes = encodeBatch(made, previousCrc);
    const batch: LogBatch = { ...made, sizeInBytes: bytes.length, body: { form: 'encoded', bytes } };
    previousCrc = statedCrc(batch);
    return batch;
  });
  return {
    channel: 'raft',
    message: {
      type: 'fetchResponse',
      clusterId,
      epoch: epoch(1),
      leaderId: nodeId(1),
      fetchId,
      outcome: {
        kind: 'records',
        fetchOffset: offset(0),
        highWatermark: offset(0),
        logStartOffset: offset(0),
        logEndOffset: offset(payloads.length),
        epochStartOffset: offset(0),
        round: 0,
        batches,
      },
    },
  };
}

export function forwardRequest(requestId: number, input: Uint8Array = new Uint8Array(0)): PeerMessage {
  return {
    channel: 'forward',
    message: {
      type: 'forwardRequest',
      requestId,
      operationId: 'createTopic',
      input,
      idempotencyKey: null,
      principal: 'test',
      deadlineMs: 1_000,
    },
  };
}
