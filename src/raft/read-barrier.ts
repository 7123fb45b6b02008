import { coverageMark } from '../base/coverage-marks.ts';
import type { CoreState } from './core-state.ts';
import { isLocal } from './core-state.ts';
import { type Leadership, progressOf, type RoundTime } from './leadership.ts';
import { checkQuorumTimeoutMs, roundTimeParts } from './limits.ts';
import { reachedByMajority } from './voter-set.ts';

/**
 * The read barrier (design 5; Raft thesis, 6.4): a leader answers a read only after a majority has shown
 * that it still followed this leader after the read had arrived. Every answer to a fetch carries the
 * current round and the next fetch echoes it.
 *
 * 1. A barrier notes the high watermark only after a record of this epoch is committed: before that the
 *    leader may not know of everything that is (Raft thesis, 6.4, step 1).
 * 2. A barrier joins a round only while no answer has carried that round. An echo of a round that was sent
 *    earlier could have left its follower before the read arrived.
 * 3. Rounds restart with each epoch, and echoes count in the leader's epoch alone.
 */
export function requestReadBarrier(core: CoreState, barrierId: number): void {
  const { role } = core;
  if (role.name !== 'leader') {
    core.effects.push({ type: 'failReadBarriers', barrierIds: [barrierId] });
    return;
  }
  const { leadership } = role;
  const { barriers, epochStartOffset } = leadership;
  if (barriers.waiting.length + barriers.open.length >= core.config.pendingProposalsMax) {
    core.effects.push({ type: 'failReadBarriers', barrierIds: [barrierId] });
    return;
  }
  if (core.highWatermark <= epochStartOffset) {
    coverageMark("read barrier: waits for the epoch's first commit");
    barriers.waiting.push(barrierId);
    return;
  }
  openBarrier(core, leadership, barrierId);
}

/** The epoch has its first committed record: barriers asked for earlier may begin. */
export function openWaitingBarriers(core: CoreState, leadership: Leadership): void {
  const { waiting } = leadership.barriers;
  leadership.barriers.waiting = [];
  for (const barrierId of waiting) openBarrier(core, leadership, barrierId);
}

function openBarrier(core: CoreState, leadership: Leadership, barrierId: number): void {
  const { barriers } = leadership;
  if (barriers.sentRound >= barriers.round) raiseRound(core, leadership);
  else coverageMark('read barrier: joins a round before it is sent');
  barriers.open.push({ barrierId, round: barriers.round, offset: core.highWatermark });
  completeBarriers(core, leadership);
}

/** Begins a round; parked fetches are answered with it at the end of this step. */
export function raiseRound(core: CoreState, leadership: Leadership): void {
  const { barriers } = leadership;
  barriers.round += 1;
  leadership.hasNews = true;
  const { raisedAt } = barriers;
  const last = raisedAt[raisedAt.length - 1];
  // Rounds that follow closely share the earliest one's time, which credits a follower with less, not more.
  const grainMs = Math.trunc(core.config.fetchTimeoutMs / roundTimeParts);
  if (last !== undefined && core.nowMs - last.raisedMs <= grainMs) return;
  raisedAt.push({ firstRound: barriers.round, raisedMs: core.nowMs });
  // What is older than the check-quorum timeout supports nobody.
  const oldestMs = core.nowMs - checkQuorumTimeoutMs(core.config);
  while ((raisedAt[1]?.raisedMs ?? core.nowMs) < oldestMs) raisedAt.shift();
}

/** When `round` was raised, or a little earlier; null when that is too long ago to matter. */
export function roundRaisedMs(raisedAt: readonly RoundTime[], round: number): number | null {
  for (let at = raisedAt.length - 1; at >= 0; at--) {
    const entry = raisedAt[at];
    if (entry !== undefined && entry.firstRound <= round) return entry.raisedMs;
  }
  return null;
}

/** Completes the barriers whose round a majority of the voters in force has echoed. */
export function completeBarriers(core: CoreState, leadership: Leadership): void {
  const { barriers } = leadership;
  if (barriers.open.length === 0) return;
  const echoed = core.voterSets.voters.map((voter) =>
    isLocal(core, voter) ? barriers.round : (progressOf(leadership, voter)?.echoedRound ?? 0),
  );
  const round = reachedByMajority(echoed);
  for (let next = barriers.open.first(); next !== undefined; next = barriers.open.first()) {
    if (next.round > round) return;
    barriers.open.removeFirst();
    const { barrierId, offset } = next;
    core.effects.push({ type: 'completeReadBarrier', barrierId, offset });
  }
}
