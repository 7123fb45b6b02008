import { isEpoch, isNodeId, isOffset, type NodeId } from '../base/brands.ts';
import type { CoreState } from './core-state.ts';
import { isBelievable } from './epoch-jump.ts';
import type { FetchOutcome, FetchSnapshotResponse, Message } from './messages.ts';
import type { SnapshotId } from './snapshot-id.ts';

/**
 * What is wrong with a message, whatever the state it meets; null when nothing is. The core is total on
 * what peers send: a wrong message is reported and has no other effect.
 */
export function faultOfMessage(core: CoreState, from: NodeId, message: Message): string | null {
  if (from === core.local.id) return 'a message from this node itself';
  if (message.clusterId !== core.clusterId) return `a message of cluster ${message.clusterId}`;
  if (!isEpoch(message.epoch)) return `no epoch: ${String(message.epoch)}`;
  if ('leaderId' in message && message.leaderId !== null) {
    if (!isNodeId(message.leaderId)) return 'a leader that is no node';
    if (message.epoch === 0) return 'a leader of epoch 0, which nobody leads';
  }
  const fault = faultOfContent(message);
  if (fault !== null) return fault;
  if (isBelievable(core, from, message.epoch)) return null;
  return `epoch ${message.epoch}, which is too far ahead of ${core.quorum.epoch} to be believed before a majority of the voters names one like it`;
}

function faultOfContent(message: Message): string | null {
  switch (message.type) {
    case 'voteRequest':
      if (!isEpoch(message.lastEpoch) || !isOffset(message.logEndOffset)) return 'a log end that is none';
      return message.lastEpoch <= message.epoch ? null : 'a log that is ahead of its epoch';
    case 'voteResponse':
      return isEpoch(message.requestEpoch) ? null : 'an answer to no epoch';
    case 'beginQuorumEpochRequest':
    case 'endQuorumEpochRequest':
      return message.epoch > 0 ? null : 'epoch 0 has no leader';
    case 'beginQuorumEpochResponse':
    case 'endQuorumEpochResponse':
      return null;
    case 'fetchRequest':
      if (!isEpoch(message.lastFetchedEpoch) || !isOffset(message.fetchOffset))
        return 'a log end that is none';
      if (!isOffset(message.flushedOffset) || !isOffset(message.highWatermark))
        return 'offsets that are none';
      if (!isCount(message.round) || !isCount(message.fetchId)) return 'a round or number that is none';
      return message.lastFetchedEpoch <= message.epoch ? null : 'a log that is ahead of its epoch';
    case 'fetchResponse':
      return isCount(message.fetchId) ? faultOfOutcome(message.outcome) : 'an answer to no fetch';
    case 'fetchSnapshotRequest':
      if (!isSnapshotId(message.snapshotId) || !isCount(message.position)) return 'no place in a snapshot';
      return isCount(message.maxBytes) && message.maxBytes > 0 ? null : 'asks for no bytes';
    case 'fetchSnapshotResponse':
      return isSnapshotId(message.snapshotId) ? faultOfChunk(message.outcome) : 'no snapshot';
  }
}

function faultOfOutcome(outcome: FetchOutcome): string | null {
  switch (outcome.kind) {
    case 'records':
      if (!isOffset(outcome.fetchOffset) || !isOffset(outcome.highWatermark)) return 'offsets that are none';
      if (!isOffset(outcome.logEndOffset) || !isOffset(outcome.epochStartOffset))
        return 'offsets that are none';
      if (outcome.highWatermark > outcome.logEndOffset) return 'a high watermark beyond the log';
      return isCount(outcome.round) ? null : 'a round that is none';
    case 'diverging':
      return isEpoch(outcome.divergingEpoch) && isOffset(outcome.endOffset)
        ? null
        : 'a divergence that is none';
    case 'snapshot':
      return isSnapshotId(outcome.snapshotId) ? null : 'no snapshot';
    case 'refused':
      return null;
  }
}

function faultOfChunk(outcome: FetchSnapshotResponse['outcome']): string | null {
  if (outcome.kind === 'refused' || isCount(outcome.position)) return null;
  return 'no place in a snapshot';
}

function isSnapshotId(snapshotId: SnapshotId): boolean {
  return isOffset(snapshotId.endOffset) && isEpoch(snapshotId.epoch);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
