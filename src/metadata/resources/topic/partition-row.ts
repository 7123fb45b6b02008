import type { TopicId, Uuid } from '../../../base/brands.ts';
import type { ColumnLayout, Columns } from '../../../base/columns.ts';
import { uuidFromBytes, uuidToBytes, zeroUuid } from '../../../base/uuid.ts';

/**
 * A partition as it is read from the columns. Lists that are empty are empty arrays; `directories` has one
 * member for each replica, or is empty when no replica has a directory.
 */
export type PartitionRow = {
  readonly topicId: TopicId;
  readonly partitionId: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly removingReplicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly eligibleLeaderReplicas: readonly number[];
  readonly lastKnownElr: readonly number[];
  readonly directories: readonly Uuid[];
  readonly leader: number;
  readonly leaderRecoveryState: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly lastModified: number;
};

/** What a reassignment goes by; `replicas` has those that are added and those that are removed, too. */
export type Assignment = Pick<PartitionRow, 'replicas' | 'addingReplicas' | 'removingReplicas'>;

/** Those that the partition had when its reassignment began; all of them when there is none. */
export function originalReplicas({ replicas, addingReplicas }: Assignment): readonly number[] {
  return replicas.filter((replica) => !addingReplicas.includes(replica));
}

/** Those that the partition will have when its reassignment is through; all of them when there is none. */
export function targetReplicas({ replicas, removingReplicas }: Assignment): readonly number[] {
  return replicas.filter((replica) => !removingReplicas.includes(replica));
}

/** Columns of a partition: the order is part of the checkpoint's format. */
export const column = {
  /** Slot of the topic's row: a place, not a meaning, so digests leave it out. */
  topicSlot: 0,
  partitionId: 1,
  leader: 2,
  leaderRecoveryState: 3,
  leaderEpoch: 4,
  partitionEpoch: 5,
  /** `lastModified`, low and high 32 bits. */
  modifiedLow: 6,
  modifiedHigh: 7,
} as const;

/** Arrays of a partition: the order is part of the checkpoint's format. */
export const list = {
  replicas: 0,
  isr: 1,
  removingReplicas: 2,
  addingReplicas: 3,
  eligibleLeaderReplicas: 4,
  lastKnownElr: 5,
  /** Four ints for each replica; empty when no replica has a directory. */
  directories: 6,
} as const;

export const partitionLayout: ColumnLayout = Object.freeze({ columns: 8, arrays: 7 });

export function readPartition(columns: Columns, slot: number, topicId: TopicId): PartitionRow {
  return {
    topicId,
    partitionId: columns.column(slot, column.partitionId),
    replicas: columns.array(slot, list.replicas),
    isr: columns.array(slot, list.isr),
    removingReplicas: columns.array(slot, list.removingReplicas),
    addingReplicas: columns.array(slot, list.addingReplicas),
    eligibleLeaderReplicas: columns.array(slot, list.eligibleLeaderReplicas),
    lastKnownElr: columns.array(slot, list.lastKnownElr),
    directories: directoriesAt(columns, slot),
    leader: columns.column(slot, column.leader),
    leaderRecoveryState: columns.column(slot, column.leaderRecoveryState),
    leaderEpoch: columns.column(slot, column.leaderEpoch),
    partitionEpoch: columns.column(slot, column.partitionEpoch),
    lastModified: lastModifiedOf(columns, slot),
  };
}

export function directoriesAt(columns: Columns, slot: number): readonly Uuid[] {
  return uuidsFromInts(columns.array(slot, list.directories));
}

export function lastModifiedOf(columns: Columns, slot: number): number {
  const low = columns.column(slot, column.modifiedLow) >>> 0;
  return columns.column(slot, column.modifiedHigh) * 4_294_967_296 + low;
}

export function columnsOf(row: PartitionRow, topicSlot: number): number[] {
  return [
    topicSlot,
    row.partitionId,
    row.leader,
    row.leaderRecoveryState,
    row.leaderEpoch,
    row.partitionEpoch,
    row.lastModified | 0,
    Math.floor(row.lastModified / 4_294_967_296),
  ];
}

export function arraysOf(row: PartitionRow): (readonly number[])[] {
  return [
    row.replicas,
    row.isr,
    row.removingReplicas,
    row.addingReplicas,
    row.eligibleLeaderReplicas,
    row.lastKnownElr,
    intsFromUuids(row.directories),
  ];
}

function uuidsFromInts(ints: readonly number[]): Uuid[] {
  const uuids: Uuid[] = [];
  for (let at = 0; at < ints.length; at += 4) {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    for (let word = 0; word < 4; word++) view.setInt32(word * 4, ints[at + word] ?? 0);
    uuids.push(uuidFromBytes(bytes));
  }
  return uuids;
}

function intsFromUuids(uuids: readonly Uuid[]): readonly number[] {
  if (uuids.every((uuid) => uuid === zeroUuid)) return [];
  const ints: number[] = [];
  for (const uuid of uuids) {
    const view = new DataView(uuidToBytes(uuid).buffer);
    for (let word = 0; word < 4; word++) ints.push(view.getInt32(word * 4));
  }
  return ints;
}
