import { coverageMark } from '../base/coverage-marks.ts';
import type { LeaderEpochs } from './leader-epochs.ts';
import type { ProducerState } from './producer-state.ts';
import type { PartitionView, ProposedMember, ReplicaConfig, ReplicaEffect } from './types.ts';

/** What a leader knows of one follower, from its fetches in this leader epoch. */
export type FollowerProgress = {
  brokerEpoch: number;
  fetchOffset: number;
  /** What it has acknowledged: it holds the leader's records below this, on disk. */
  flushedOffset: number;
  lastFetchMs: number;
  /** The leader's log end when it last fetched. */
  leaderEndAtLastFetch: number;
  lastCaughtUpMs: number;
};

/** An ISR that was proposed and is not known to be decided. */
export type PendingProposal = {
  readonly proposalId: number;
  readonly partitionEpoch: number;
  readonly newIsr: readonly ProposedMember[];
  isInFlight: boolean;
  retryAtMs: number;
  /** An attempt got no definite answer, and may take effect yet. */
  mayTakeEffect: boolean;
  /** The controller is ahead: only its next word can say what became of it. */
  awaitsMetadata: boolean;
};

export type PendingProduce = {
  readonly produceId: number;
  readonly baseOffset: number;
  readonly endOffset: number;
};

export type LeaderRole = {
  readonly name: 'leader';
  /** Where its own epoch begins: below lies what it took over. */
  readonly epochStartOffset: number;
  readonly becameLeaderMs: number;
  /**
   * The registration under which the metadata has shown this broker as active while it led; null for none. An earlier
   * one's leadership is no more once that is shown, and what this incarnation has of its log may be less.
   */
  brokerEpoch: number | null;
  readonly followers: Map<number, FollowerProgress>;
  /** In the order in which the high watermark completes them. */
  readonly produces: PendingProduce[];
  proposal: PendingProposal | null;
  /**
   * Who was proposed at the partition epoch that stands, without its being known whether that may still take effect,
   * before the controller refused the same. They count until the epoch has moved on, or they have registered anew.
   */
  unsettled: readonly ProposedMember[];
  retryProposalAtMs: number;
};

export type FollowerRole = {
  readonly name: 'follower';
  /** The fetch that is waited for. */
  fetch: { readonly fetchId: number; readonly untilMs: number } | null;
  nextFetchAtMs: number;
};

export type ReplicaRole = LeaderRole | FollowerRole | { readonly name: 'idle' };

/** Whether the leadership is that of the broker's present registration, and not what an earlier one has left behind. */
export function isOwnLeadership({ brokerEpoch }: ReplicaState, role: LeaderRole): boolean {
  return role.brokerEpoch === brokerEpoch;
}

/** Whether a leader may append, propose, acknowledge and show what it has. */
export function mayAct(state: ReplicaState, role: LeaderRole): boolean {
  return state.holdsLease && isOwnLeadership(state, role);
}

/** The state that the rules of leader and follower share. */
export type ReplicaState = {
  readonly config: ReplicaConfig;
  readonly epochs: LeaderEpochs;
  readonly producers: ProducerState;
  /** Where the log was cut last. */
  truncatedTo: number;
  brokerEpoch: number;
  holdsLease: boolean;
  /** What lies below is gone. */
  logStartOffset: number;
  logEndOffset: number;
  flushedOffset: number;
  /** Grows with each truncation, so that a flush of what was cut off counts for nothing. */
  generation: number;
  /** The generation with which the log began anew, until that is on disk: the old one may come back till then. */
  resetting: number | null;
  highWatermark: number;
  view: PartitionView | null;
  role: ReplicaRole;
  nextId: number;
  nowMs: number;
  readonly effects: ReplicaEffect[];
};

export function emit(state: ReplicaState, effect: ReplicaEffect): void {
  state.effects.push(effect);
}

/**
 * What lies below `wanted` is removed, as far as it is committed and on this disk: what an in-sync replica has not got
 * yet, or a power failure may take, is kept.
 */
export function advanceLogStart(state: ReplicaState, wanted: number): void {
  const to = Math.min(wanted, state.highWatermark, state.flushedOffset);
  if (to < wanted) coverageMark('replica: a log start above what is committed or flushed is wanted');
  if (to <= state.logStartOffset) return;
  state.logStartOffset = to;
  state.epochs.advanceStart(to);
  state.producers.advanceLogStart(to);
  emit(state, { type: 'advanceLogStart', to, epochBefore: state.epochs.epochBefore(to) });
}

export function advanceHighWatermark(state: ReplicaState, to: number): void {
  if (to <= state.highWatermark) return;
  state.highWatermark = to;
  emit(state, { type: 'highWatermarkAdvanced', highWatermark: to });
}
