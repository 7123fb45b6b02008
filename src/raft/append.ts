import { assert } from '../base/assert.ts';
import type { Offset } from '../base/brands.ts';
import type { ControlBatch, LogBatch } from './batch.ts';
import type { ControlRecord } from './control-records.ts';
import { type CoreState, takeIoId } from './core-state.ts';
import type { Leadership } from './leadership.ts';

/** Appends batches at the log's end, of whichever leader, and lets their control records take effect. */
export function appendToLog(core: CoreState, batches: readonly LogBatch[]): void {
  assert(core.installation === null, 'the log is being replaced by a snapshot');
  const ioId = takeIoId(core);
  core.log.append(ioId, batches, core.nowMs);
  for (const batch of batches) {
    if (batch.appendTimestampMs > core.lastAppendTimestampMs) {
      core.lastAppendTimestampMs = batch.appendTimestampMs;
    }
    if (batch.kind === 'control') noteControlRecords(core, batch);
  }
  core.effects.push({ type: 'appendBatches', ioId, batches });
}

/** A voter set is in force from its append on, not from its commit (KIP-853; Raft thesis, 4.1). */
function noteControlRecords(core: CoreState, batch: ControlBatch): void {
  for (const [index, record] of batch.records.entries()) {
    const offset = (batch.baseOffset + index) as Offset;
    if (record.type === 'KRaftVoters') core.voterSets.append(offset, record.voters);
    if (record.type === 'KRaftVersion') core.kraftVersion.append(offset, record.kraftVersion);
  }
}

/** Raft paper, 5.3: a follower's records that contradict the leader's are removed, with all after them. */
export function truncateLog(core: CoreState, to: Offset): void {
  assert(core.role.name === 'follower', 'only a follower truncates (Raft paper, 5.3: leader append-only)');
  assert(to >= core.highWatermark, `truncating to ${to} would remove committed records`);
  const ioId = takeIoId(core);
  core.log.truncate(to);
  core.voterSets.truncate(to);
  core.kraftVersion.truncate(to);
  core.effects.push({ type: 'truncateLog', ioId, to });
}

/**
 * Appends control records of this leader. It has no calendar, so that their time is the latest that it has
 * seen; the shell that encodes them raises it to its own clock.
 */
export function appendControlBatch(
  core: CoreState,
  leadership: Leadership,
  records: readonly ControlRecord[],
): void {
  const batch: ControlBatch = {
    kind: 'control',
    baseOffset: core.log.endOffset,
    epoch: core.quorum.epoch,
    recordCount: records.length,
    appendTimestampMs: core.lastAppendTimestampMs,
    sizeInBytes: 0,
    records,
    body: { form: 'none' },
  };
  appendToLog(core, [batch]);
  leadership.hasNews = true;
}
