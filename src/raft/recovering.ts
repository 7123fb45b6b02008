import { coverageMark } from '../base/coverage-marks.ts';
import { type CoreState, setQuorumState } from './core-state.ts';
import type { FetchedRecords } from './messages.ts';

/**
 * A replica that found its log corrupt may have forgotten records that it had acknowledged. It neither
 * votes nor campaigns until it surely holds them again (design 19; after Protocol-Aware Recovery, FAST '18).
 *
 * It has them all once everything below the leader's LOG END is flushed here, as stated in an answer to a
 * fetch of this process, by a leader that has committed in its own epoch: such a leader holds every
 * committed record, and every record that only a forgotten acknowledgement is missing for. Fetch numbers
 * begin at random in each process, so that an answer to an earlier process does not pass for one.
 */
export function noteLeaderLogEnd(core: CoreState, records: FetchedRecords): void {
  if (!core.quorum.recovering) return;
  if (records.highWatermark <= records.epochStartOffset) {
    coverageMark('recovery: the leader has committed nothing of its own');
    return;
  }
  core.recoveryTarget ??= records.logEndOffset;
  endRecoveryIfFlushed(core);
}

/** Ends the recovery, durably, before any message tells of it. A new epoch has forgotten the target. */
export function endRecoveryIfFlushed(core: CoreState): void {
  if (!core.quorum.recovering || core.recoveryTarget === null) return;
  if (core.log.flushedOffset < core.recoveryTarget) return;
  coverageMark('recovery: a voter again');
  core.recoveryTarget = null;
  setQuorumState(core, { recovering: false });
}
