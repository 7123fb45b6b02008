import { assert } from '../base/assert.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import type { Offset } from '../base/brands.ts';
import { appendToLog } from './append.ts';
import type { DataBatch } from './batch.ts';
import type { CoreState } from './core-state.ts';
import type { Effect } from './effects.ts';
import type { Input, ProposedBatch } from './inputs.ts';
import type { Leadership } from './leadership.ts';

type RecordsProposed = Extract<Input, { type: 'recordsProposed' }>;
type Refusal = Extract<Effect, { type: 'failProposal' }>['reason'];

/** Appends a proposal whole, as contiguous batches of this epoch, or refuses it whole (design 9, 10). */
export function handleRecordsProposed(core: CoreState, input: RecordsProposed): void {
  const { proposalId } = input;
  const { role } = core;
  if (role.name !== 'leader') {
    core.effects.push({ type: 'failProposal', proposalId, reason: 'NOT_LEADER' });
    return;
  }
  const sizeInBytes = sizeOf(input.batches);
  const reason = refusal(core, role.leadership, input, sizeInBytes);
  if (reason !== null) {
    core.effects.push({ type: 'failProposal', proposalId, reason });
    return;
  }
  const baseOffset = core.log.endOffset;
  appendToLog(core, batchesOf(core, input.batches));
  const endOffset = core.log.endOffset;
  role.leadership.pendingProposals.push({ proposalId, baseOffset, endOffset, sizeInBytes });
  role.leadership.pendingBytes += sizeInBytes;
  role.leadership.hasNews = true;
}

function refusal(
  core: CoreState,
  leadership: Leadership,
  input: RecordsProposed,
  sizeInBytes: number,
): Refusal | null {
  if (input.epoch !== core.quorum.epoch) return 'EPOCH_MISMATCH';
  // The proposer predicted offsets (brokerEpoch), so that another log end makes its records wrong.
  if (input.expectedBaseOffset !== core.log.endOffset) return 'OFFSET_MISMATCH';
  const isTooMuch =
    exceeds(core, leadership.pendingProposals.length, leadership.pendingBytes, sizeInBytes) ||
    // The others may commit what this leader's own disk has not taken yet; it stays in memory until then.
    exceeds(core, core.log.unflushedAppends, core.log.unflushedBytes, sizeInBytes);
  if (!isTooMuch) return null;
  coverageMark('proposal: too many pending');
  return 'TOO_MANY_PENDING';
}

function exceeds(core: CoreState, count: number, bytes: number, sizeInBytes: number): boolean {
  if (count >= core.config.pendingProposalsMax) return true;
  // One proposal is always taken, or one larger than the limit could never be.
  return bytes > 0 && bytes + sizeInBytes > core.config.pendingBytesMax;
}

function sizeOf(batches: readonly ProposedBatch[]): number {
  assert(batches.length > 0, 'a proposal without batches');
  let sizeInBytes = 0;
  for (const batch of batches) sizeInBytes += batch.payload.length;
  return sizeInBytes;
}

function batchesOf(core: CoreState, proposed: readonly ProposedBatch[]): readonly DataBatch[] {
  let baseOffset = core.log.endOffset;
  return proposed.map((batch) => {
    const made: DataBatch = {
      kind: 'data',
      baseOffset,
      epoch: core.quorum.epoch,
      recordCount: batch.recordCount,
      appendTimestampMs: batch.appendTimestampMs,
      sizeInBytes: batch.payload.length,
      body: { form: 'payload', bytes: batch.payload },
    };
    baseOffset = (baseOffset + batch.recordCount) as Offset;
    return made;
  });
}

/** A proposal is complete when its last record is below the high watermark. */
export function completeProposals(core: CoreState, leadership: Leadership): void {
  const { pendingProposals } = leadership;
  for (let next = pendingProposals.first(); next !== undefined; next = pendingProposals.first()) {
    if (next.endOffset > core.highWatermark) return;
    pendingProposals.removeFirst();
    leadership.pendingBytes -= next.sizeInBytes;
    const { proposalId, baseOffset, endOffset } = next;
    core.effects.push({ type: 'completeProposal', proposalId, baseOffset, endOffset });
  }
}
