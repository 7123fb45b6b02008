import { assert } from '../base/assert.ts';
import type { Offset } from '../base/brands.ts';
import { type CoreState, isLocal } from './core-state.ts';
import { type Leadership, progressOf } from './leadership.ts';
import { completeProposals } from './proposals.ts';
import { openWaitingBarriers } from './read-barrier.ts';
import { noteVoterChangeCommitted } from './voter-change.ts';
import { reachedByMajority } from './voter-set.ts';

/**
 * What a majority of the voters has on disk is committed, provided that it reaches a record of the
 * leader's own epoch (Raft paper, 5.4.2, Figure 2 "Leaders"). The leader counts itself for what it has
 * flushed, and only while it is a voter (KIP-853; KAFKA-16530).
 */
export function advanceLeaderHighWatermark(core: CoreState, leadership: Leadership): void {
  const flushed: number[] = [];
  for (const voter of core.voterSets.voters) {
    if (isLocal(core, voter)) flushed.push(core.log.flushedOffset);
    else flushed.push(progressOf(leadership, voter)?.acknowledgedOffset ?? 0);
  }
  const committed = reachedByMajority(flushed) as Offset;
  if (committed <= core.highWatermark || committed <= leadership.epochStartOffset) return;
  raiseHighWatermark(core, committed);
  leadership.hasNews = true;
  completeProposals(core, leadership);
  openWaitingBarriers(core, leadership);
  // Last of all: it may end the leadership.
  noteVoterChangeCommitted(core, leadership);
}

/** A follower knows as committed what its leader knows, as far as its own log reaches (Raft paper, Figure 2). */
export function advanceFollowerHighWatermark(core: CoreState, leaderHighWatermark: Offset): void {
  const bounded = Math.min(leaderHighWatermark, core.log.endOffset) as Offset;
  if (bounded > core.highWatermark) raiseHighWatermark(core, bounded);
}

/** The high watermark only rises (design 21). */
export function raiseHighWatermark(core: CoreState, highWatermark: Offset): void {
  assert(highWatermark > core.highWatermark, 'the high watermark must rise');
  assert(highWatermark <= core.log.endOffset, 'the high watermark is beyond the log');
  core.highWatermark = highWatermark;
  core.effects.push({ type: 'highWatermarkAdvanced', highWatermark });
  requestApply(core);
}

/** Asks for every committed record once, in order (Raft paper, Figure 2: lastApplied). */
export function requestApply(core: CoreState): void {
  if (core.applyOffset >= core.highWatermark) return;
  core.effects.push({ type: 'applyCommitted', from: core.applyOffset, to: core.highWatermark });
  core.applyOffset = core.highWatermark;
}
