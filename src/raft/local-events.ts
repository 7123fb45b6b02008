import { assert } from '../base/assert.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import { type CoreState, notePersisted } from './core-state.ts';
import { acknowledgeFlush } from './fetch-response.ts';
import { advanceLeaderHighWatermark } from './high-watermark.ts';
import type { Input } from './inputs.ts';
import { suspicionJitterMaxMs } from './limits.ts';
import { endRecoveryIfFlushed } from './recovering.ts';
import { putOffFetch } from './role.ts';
import { noteOwnVoteDurable } from './vote.ts';

type InputOf<Type extends Input['type']> = Extract<Input, { type: Type }>;

/** Everything up to this write is durable. A candidate's own vote is among it. */
export function handleQuorumStatePersisted(core: CoreState, input: InputOf<'quorumStatePersisted'>): void {
  core.log.noteDiskAnswered(core.nowMs);
  if (notePersisted(core, input.ioId)) noteOwnVoteDurable(core);
}

/** A flush is this node's own acknowledgement as a leader, and one to send as a follower. */
export function handleLogFlushed(core: CoreState, input: InputOf<'logFlushed'>): void {
  core.log.noteDiskAnswered(core.nowMs);
  if (!core.log.noteFlushed(input.ioId)) return;
  endRecoveryIfFlushed(core);
  if (core.role.name === 'leader') advanceLeaderHighWatermark(core, core.role.leadership);
  else acknowledgeFlush(core);
}

/**
 * A closed connection is a hint (design 8). If the leader's node refuses to be reached again, nobody runs
 * there: a pre-vote follows after a little jitter. Everything else waits for the timeouts.
 */
export function handleConnectionClosed(core: CoreState, input: InputOf<'connectionClosed'>): void {
  const { role } = core;
  if (role.name !== 'follower' || role.leaderId !== input.peer) return;
  // The answer was lost with the connection.
  role.question = null;
  putOffFetch(role, core.nowMs + core.config.retryBackoffMs);
  if (core.download !== null) core.download.askedMs = null;
  if (!input.refused || role.suspectsLeader) return;
  coverageMark("pre-vote: the leader's process is gone");
  role.suspectsLeader = true;
  const jitterMs = core.random.integer(suspicionJitterMaxMs + 1);
  role.fetchDeadlineMs = Math.min(role.fetchDeadlineMs, core.nowMs + jitterMs);
}

/** Nothing more is stored on an exhausted disk; a snapshot that was being taken is asked for anew later (design 20). */
export function handleStorageStatusChanged(core: CoreState, input: InputOf<'storageStatusChanged'>): void {
  if (core.space === input.space) return;
  core.space = input.space;
  if (core.space === 'exhausted') {
    coverageMark('disk space: nothing more is fetched');
    core.download = null;
  }
  // The leader is told at once: a new fetch takes the place of the one that may be parked there.
  if (core.role.name === 'follower') core.role.question = null;
}

/** The shell's checkpoint is durable, and the log may begin at one (KIP-630). */
export function handleSnapshotCreated(core: CoreState, input: InputOf<'snapshotCreated'>): void {
  const { snapshotId, logStart } = input;
  // A newer snapshot was installed meanwhile.
  if (snapshotId.endOffset < (core.latestSnapshot?.endOffset ?? 0)) return;
  assert(snapshotId.endOffset <= core.highWatermark, 'a snapshot of what is not committed');
  assert(logStart.endOffset <= snapshotId.endOffset, 'the log would begin after its newest snapshot');
  core.latestSnapshot = snapshotId;
  if (logStart.endOffset <= core.log.logStart.endOffset) return;
  const wasFlushedTo = core.log.flushedOffset;
  core.log.startAt(logStart);
  core.voterSets.startAt(logStart.endOffset);
  core.kraftVersion.startAt(logStart.endOffset);
  if (core.log.flushedOffset === wasFlushedTo) return;
  coverageMark("checkpoint: durable before the log's own flush");
  acknowledgeFlush(core);
}

export function handleApplied(core: CoreState, input: InputOf<'applied'>): void {
  assert(input.offset <= core.applyOffset, 'more was applied than is committed');
  if (input.offset > core.appliedOffset) core.appliedOffset = input.offset;
}
