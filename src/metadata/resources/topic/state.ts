import type { TopicId, Uuid } from '../../../base/brands.ts';
import { Columns } from '../../../base/columns.ts';
import { compareNumbers, compareStrings } from '../../../base/compare.ts';
import { OrderedMap } from '../../../base/ordered-map.ts';
import { PageDirectory } from '../../../base/page-directory.ts';
import { SlotSet } from '../../../base/slot-set.ts';
import { UuidTable } from '../../../base/uuid-table.ts';
import { int64, string, type StructOf, uuidType } from '../../schema.ts';
import {
  column,
  lastModifiedOf,
  partitionLayout,
  type PartitionRow,
  readPartition,
} from './partition-row.ts';
import type { TopicSlots } from './topic-slots.ts';

export const topicFields = { topicId: uuidType, name: string(249), lastModified: int64 };

export type TopicRow = StructOf<typeof topicFields>;

/**
 * Topics and their partitions.
 *
 * Invariants (the tables are the truth, everything else follows from them)
 * 1. `topics` and `byName` name the same topics; `topics` is by id, `byName` gives the topic's slot.
 * 2. `slots`, at a topic's slot, gives the slot in `partitions` of each of its partitions.
 * 3. `brokers`, at a broker, holds the slots of the partitions that have a replica there, and how often it
 *    leads, is in an ISR, is in one without a leader, and is in an ELR, and what each of its directories has of
 *    that. A broker of no partition has no entry.
 * 4. `leaderless` holds the slots of the partitions whose leader is -1.
 * 5. `reassigning` holds the slots of the partitions that add or remove a replica.
 * 6. `withElr` holds the slots of the partitions of which `eligibleLeaderReplicas` or `lastKnownElr` names anybody.
 */
export type TopicState = {
  readonly topics: UuidTable<TopicRow>;
  readonly byName: OrderedMap<string, number>;
  readonly partitions: Columns;
  readonly slots: PageDirectory<TopicSlots>;
  readonly brokers: OrderedMap<number, BrokerPartitions>;
  readonly leaderless: SlotSet;
  readonly reassigning: SlotSet;
  readonly withElr: SlotSet;
};

export type BrokerPartitions = {
  readonly replicas: SlotSet;
  readonly leaderCount: number;
  readonly isrCount: number;
  /** Of the partitions in whose ISR it is, those that nobody leads. */
  readonly leaderlessIsrCount: number;
  readonly elrCount: number;
  /** Those of its replicas that the state says a directory of, the reserved id of `unassigned` among them. */
  readonly directories: ReadonlyMap<Uuid, DirectoryReplicas>;
};

/** How many replicas of a broker are in a directory, and how many of those are in an ISR or an ELR. */
export type DirectoryReplicas = { readonly replicaCount: number; readonly inSyncCount: number };

export const noPartitions: BrokerPartitions = Object.freeze({
  replicas: SlotSet.empty,
  leaderCount: 0,
  isrCount: 0,
  leaderlessIsrCount: 0,
  elrCount: 0,
  directories: new Map<Uuid, DirectoryReplicas>(),
});

export const emptyTopicState: TopicState = Object.freeze({
  topics: UuidTable.empty<TopicRow>((topic) => topic.topicId),
  byName: OrderedMap.empty<string, number>(compareStrings),
  partitions: Columns.empty(partitionLayout),
  slots: PageDirectory.empty<TopicSlots>(),
  brokers: OrderedMap.empty<number, BrokerPartitions>(compareNumbers),
  leaderless: SlotSet.empty,
  reassigning: SlotSet.empty,
  withElr: SlotSet.empty,
});

export function topicByName(state: TopicState, name: string): TopicRow | null {
  const slot = state.byName.get(name);
  return slot === undefined ? null : state.topics.rows.row(slot);
}

export function topicSlotsOf(state: TopicState, topicId: TopicId): TopicSlots | null {
  const slot = state.topics.slotOf(topicId);
  return slot === null ? null : state.slots.get(slot);
}

export function partitionCount(state: TopicState, topicId: TopicId): number {
  return topicSlotsOf(state, topicId)?.size ?? 0;
}

/**
 * The offset that last modified what is shown of a topic: the topic itself, how many partitions it has, or how many
 * replicas the first one has. The highest of them is the newest, so that adding some raises it; a new leader of one of
 * the two does, too.
 */
export function topicModified(state: TopicState, topic: TopicRow): number {
  const slots = topicSlotsOf(state, topic.topicId);
  const shown = [slots?.slotOf(0) ?? null, slots?.slotOf(slots.size - 1) ?? null];
  return shown.reduce<number>(
    (newest, slot) => (slot === null ? newest : Math.max(newest, lastModifiedOf(state.partitions, slot))),
    topic.lastModified,
  );
}

export function findPartition(state: TopicState, topicId: TopicId, partitionId: number): PartitionRow | null {
  const slot = topicSlotsOf(state, topicId)?.slotOf(partitionId) ?? null;
  return slot === null ? null : readPartition(state.partitions, slot, topicId);
}

/** The partition in a slot that an index names. */
export function partitionAt(state: TopicState, slot: number): PartitionRow {
  const topic = state.topics.rows.row(state.partitions.column(slot, column.topicSlot));
  return readPartition(state.partitions, slot, topic.topicId);
}

/** Partitions of a topic in order, from the first that is at least `from`. */
export function* partitionsOf(
  state: TopicState,
  topicId: TopicId,
  from = 0,
): Generator<PartitionRow, void, undefined> {
  const slots = topicSlotsOf(state, topicId);
  if (slots === null) return;
  for (const [, slot] of slots.entriesFrom(from)) yield readPartition(state.partitions, slot, topicId);
}

export function brokerPartitions(state: TopicState, broker: number): BrokerPartitions {
  return state.brokers.get(broker) ?? noPartitions;
}
