import { batchEndOffset, type LogBatch } from '../../../src/raft/batch.ts';
import type { Effect } from '../../../src/raft/effects.ts';
import type { FetchOutcome, Message } from '../../../src/raft/messages.ts';
import type { ReplicaKey } from '../../../src/raft/replica-key.ts';
import { type Host, textOf } from './host.ts';

/** Messages, effects and states as one line each, for people to read. */
export function describeMessage(message: Message): string {
  switch (message.type) {
    case 'voteRequest':
      return `${message.preVote ? 'preVote' : 'vote'}? epoch ${message.epoch}, log ends ${message.logEndOffset} in epoch ${message.lastEpoch}`;
    case 'voteResponse':
      return `${message.preVote ? 'preVote' : 'vote'} ${message.voteGranted ? 'granted' : 'rejected'} in epoch ${message.epoch}${led(message.leaderId)}`;
    case 'beginQuorumEpochRequest':
      return `beginQuorumEpoch ${message.epoch}`;
    case 'beginQuorumEpochResponse':
      return `beginQuorumEpoch seen in epoch ${message.epoch}${led(message.leaderId)}`;
    case 'endQuorumEpochRequest':
      return `endQuorumEpoch ${message.epoch}, successors ${idsOf(message.preferredSuccessors)}`;
    case 'endQuorumEpochResponse':
      return `endQuorumEpoch seen in epoch ${message.epoch}${led(message.leaderId)}`;
    case 'fetchRequest':
      return `fetch ${message.fetchOffset} after epoch ${message.lastFetchedEpoch}, flushed ${message.flushedOffset}, high watermark ${message.highWatermark}, round ${message.round}, in epoch ${message.epoch}`;
    case 'fetchResponse':
      return `${describeOutcome(message.outcome)} in epoch ${message.epoch}${message.outcome.kind === 'refused' ? led(message.leaderId) : ''}`;
    case 'fetchSnapshotRequest':
      return `fetchSnapshot ${message.snapshotId.endOffset} from byte ${message.position}`;
    case 'fetchSnapshotResponse':
      return message.outcome.kind === 'chunk'
        ? `chunk of snapshot ${message.snapshotId.endOffset} at byte ${message.outcome.position}${message.outcome.last ? ', the last' : ''}`
        : `fetchSnapshot refused: ${message.outcome.error}`;
  }
}

function describeOutcome(outcome: FetchOutcome): string {
  switch (outcome.kind) {
    case 'records':
      return `records ${outcome.fetchOffset}: ${describeBatches(outcome.batches)}, high watermark ${outcome.highWatermark}, round ${outcome.round}`;
    case 'diverging':
      return `diverging: epoch ${outcome.divergingEpoch} ends at ${outcome.endOffset}`;
    case 'snapshot':
      return `take snapshot ${outcome.snapshotId.endOffset}`;
    case 'refused':
      return `fetch refused: ${outcome.error}`;
  }
}

export function describeBatches(batches: readonly LogBatch[]): string {
  if (batches.length === 0) return 'none';
  return batches.map(describeBatch).join(' ');
}

function describeBatch(batch: LogBatch): string {
  const texts = Array.from({ length: batch.recordCount }, (_, index) => textOf(batch, index));
  return `[${batch.baseOffset},${batchEndOffset(batch)})e${batch.epoch}(${texts.join(' ')})`;
}

/** Null for an effect that says nothing beyond what others say. */
export function describeEffect(effect: Effect): string | null {
  switch (effect.type) {
    case 'roleChanged':
      return `${effect.role} in epoch ${effect.epoch}${effect.role === 'leader' ? '' : led(effect.leaderId)}`;
    case 'persistQuorumState':
      return `persists epoch ${effect.state.epoch}, voted ${effect.state.voted?.id ?? 'none'}${effect.state.recovering ? ', recovering' : ''}`;
    case 'appendBatches':
      return `appends ${describeBatches(effect.batches)}`;
    case 'truncateLog':
      return `truncates to ${effect.to}`;
    case 'highWatermarkAdvanced':
      return `high watermark ${effect.highWatermark}`;
    case 'completeProposal':
      return `proposal ${effect.proposalId} committed at [${effect.baseOffset},${effect.endOffset})`;
    case 'failProposal':
      return `proposal ${effect.proposalId} fails: ${effect.reason}`;
    case 'completeReadBarrier':
      return `read ${effect.barrierId} may read at ${effect.offset}`;
    case 'failReadBarriers':
      return `reads ${effect.barrierIds.join(' ')} fail`;
    case 'voterChangeAnswered':
      return `voter change ${effect.requestId}: ${effect.error ?? 'committed'}`;
    case 'badMessage':
      return `bad message of ${effect.from}: ${effect.reason}`;
    case 'installSnapshot':
      return `installs snapshot ${effect.snapshotId.endOffset}`;
    default:
      return null;
  }
}

export function describeHost(host: Host): string {
  const { core } = host;
  const kind = core.isActiveVoter ? '' : core.recovering ? ' (recovering)' : ' (observer)';
  return `${host.key.id}: ${core.role}${kind} in epoch ${core.epoch}${led(core.leaderId)}, log [${core.logStart.endOffset},${core.logEndOffset}) flushed ${core.flushedOffset}, high watermark ${core.highWatermark}, voters ${idsOf(core.voters)}`;
}

function led(leaderId: number | null): string {
  return leaderId === null ? '' : `, led by ${leaderId}`;
}

function idsOf(keys: readonly ReplicaKey[]): string {
  return keys.length === 0 ? 'none' : keys.map((key) => key.id).join(' ');
}
