import type { TopicId } from '../../../base/brands.ts';
import { coverageMark } from '../../../base/coverage-marks.ts';
import type { Activity } from '../broker/activity.ts';
import { column, list } from './partition-row.ts';
import { noLeader, partitionChange, type PartitionChangeRecord } from './records.ts';
import type { TopicState } from './state.ts';

/** What decides who leads: replicas in order of preference, the ISR and the leader. */
export type Leadership = {
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly leader: number;
};

/**
 * What an ISR and a leader must be, given which brokers are active; null when they are so already.
 *
 * 1. A broker that is not active leaves the ISR, unless the ISR would be empty: its last member stays, as
 *    it alone is known to hold every committed record (kraft.md, "ISR"). Of several that all went, the
 *    leader stays, else the first.
 * 2. The leader is active and in the ISR: the one it is, if possible, else the first replica in order of
 *    preference that is both, else none (-1).
 */
export function settle(
  before: Leadership,
  isActive: Activity,
): { readonly isr: readonly number[]; readonly leader: number } | null {
  const active = before.isr.filter(isActive);
  const isr = active.length > 0 ? active : lastMember(before);
  const leader = electLeader(before, isr, isActive);
  const isSame = leader === before.leader && isr.length === before.isr.length;
  return isSame ? null : { isr, leader };
}

function lastMember({ isr, leader }: Leadership): readonly number[] {
  if (isr.length <= 1) return isr;
  coverageMark('ISR: several go at once, and one stays');
  return isr.includes(leader) ? [leader] : isr.slice(0, 1);
}

function electLeader(before: Leadership, isr: readonly number[], isActive: Activity): number {
  const isElectable = (broker: number): boolean => isr.includes(broker) && isActive(broker);
  if (isElectable(before.leader)) return before.leader;
  const elected = before.replicas.find(isElectable);
  if (elected === undefined) coverageMark('partition: nobody can lead it');
  return elected ?? noLeader;
}

/** The change that settles the partition in a slot; null when there is nothing to change. */
export function settlingChange(
  state: TopicState,
  slot: number,
  isActive: Activity,
): PartitionChangeRecord | null {
  const { partitions } = state;
  const isr = partitions.array(slot, list.isr);
  const leader = partitions.column(slot, column.leader);
  // Most partitions that are looked at are as they should be: they cost no more than this.
  if (leader !== noLeader && isr.every(isActive) && isActive(leader)) return null;
  const replicas = partitions.array(slot, list.replicas);
  const settled = settle({ replicas, isr, leader }, isActive);
  if (settled === null) return null;
  return partitionChange({
    topicId: topicIdAt(state, slot),
    partitionId: partitions.column(slot, column.partitionId),
    ...(settled.isr.length === isr.length ? {} : { isr: settled.isr }),
    ...(settled.leader === leader ? {} : { leader: settled.leader }),
  });
}

function topicIdAt(state: TopicState, slot: number): TopicId {
  return state.topics.rows.row(state.partitions.column(slot, column.topicSlot)).topicId;
}
