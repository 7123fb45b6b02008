import { assert } from '../../../base/assert.ts';
import { Hasher, zeroDigest } from '../../../base/digest.ts';
import { defineKind, type Position, type PositionedRecord, rowPosition } from '../../resource.ts';
import { directoriesAfter, normalisedDirectories } from './directories.ts';
import { TopicDraft } from './draft.ts';
import { column, list, type PartitionRow } from './partition-row.ts';
import {
  type ClearElrRecord,
  clearElrRecord,
  leaderUnchanged,
  type PartitionChangeRecord,
  partitionChangeRecord,
  type PartitionRecord,
  partitionRecord,
  recoveryStateUnchanged,
  removeTopicRecord,
  type TopicRecord,
  topicRecord,
} from './records.ts';
import { removePartitionsRecord } from './removal.ts';
import { emptyTopicState, partitionsOf, topicFields, type TopicRow, type TopicState } from './state.ts';

export const resource = defineKind<
  'topic',
  readonly [
    typeof topicRecord,
    typeof partitionRecord,
    typeof partitionChangeRecord,
    typeof removeTopicRecord,
    typeof clearElrRecord,
    typeof removePartitionsRecord,
  ],
  TopicState,
  TopicDraft
>({
  name: 'topic',
  records: [
    topicRecord,
    partitionRecord,
    partitionChangeRecord,
    removeTopicRecord,
    clearElrRecord,
    removePartitionsRecord,
  ],
  empty: () => emptyTopicState,
  edit: (state, token) => new TopicDraft(state, token),
  freeze: (draft) => draft.freeze(),
  look: (draft) => draft.look(),
  replay: {
    TopicRecord: (draft, record, position) => {
      draft.addTopic({ topicId: record.topicId, name: record.name, lastModified: position.offset });
    },
    PartitionRecord: (draft, record, position) => {
      draft.addPartition(partitionOf(record, position));
    },
    PartitionChangeRecord: replayChange,
    RemoveTopicRecord: (draft, record) => {
      draft.removeTopic(record.topicId);
    },
    ClearElrRecord: replayClearElr,
    RemovePartitionsRecord: (draft, record) => {
      draft.removePartitions(record.topicId, record.fromPartition);
    },
  },
  tables: [
    {
      kind: 'rows',
      id: 4,
      name: 'topic',
      fields: topicFields,
      table: (state) => state.topics.rows,
      load: (draft, slot, row: TopicRow) => draft.placeTopic(slot, row),
    },
    {
      kind: 'columns',
      id: 5,
      name: 'partition',
      table: (state) => state.partitions,
      rowHasher: partitionHasher,
      loadPage: (draft, index, ints) => draft.placePage(index, ints),
    },
  ],
  toRecords,
});

function partitionOf(record: PartitionRecord, position: Position): PartitionRow {
  const { replicas, directories } = record;
  const fits = directories.length === 0 || directories.length === replicas.length;
  assert(fits, 'a partition has a directory for each replica, or none');
  return {
    topicId: record.topicId,
    partitionId: record.partitionId,
    replicas,
    isr: record.isr,
    removingReplicas: record.removingReplicas,
    addingReplicas: record.addingReplicas,
    eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? [],
    lastKnownElr: record.lastKnownElr ?? [],
    directories: normalisedDirectories(directories),
    leader: record.leader,
    leaderRecoveryState: record.leaderRecoveryState,
    leaderEpoch: record.leaderEpoch,
    partitionEpoch: record.partitionEpoch,
    lastModified: position.offset,
  };
}

/** Kafka's rule: a leader that is named bumps the leader epoch, and any change the partition epoch. */
function replayChange(draft: TopicDraft, record: PartitionChangeRecord, position: Position): void {
  draft.changePartition(record.topicId, record.partitionId, (before) => changed(before, record, position));
}

function changed(before: PartitionRow, record: PartitionChangeRecord, position: Position): PartitionRow {
  const replicas = record.replicas ?? before.replicas;
  const namesLeader = record.leader !== leaderUnchanged;
  const keepsRecovery = record.leaderRecoveryState === recoveryStateUnchanged;
  return {
    topicId: before.topicId,
    partitionId: before.partitionId,
    replicas,
    isr: record.isr ?? before.isr,
    removingReplicas: record.removingReplicas ?? before.removingReplicas,
    addingReplicas: record.addingReplicas ?? before.addingReplicas,
    eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownElr: record.lastKnownElr ?? before.lastKnownElr,
    directories: normalisedDirectories(record.directories ?? directoriesAfter(before, replicas)),
    leader: namesLeader ? record.leader : before.leader,
    leaderRecoveryState: keepsRecovery ? before.leaderRecoveryState : record.leaderRecoveryState,
    leaderEpoch: before.leaderEpoch + (namesLeader ? 1 : 0),
    partitionEpoch: before.partitionEpoch + 1,
    lastModified: position.offset,
  };
}

/** A change as others are: the partition epoch rises. */
function replayClearElr(draft: TopicDraft, { topicName }: ClearElrRecord, position: Position): void {
  draft.changeWithElr(topicName, (before) => ({
    ...before,
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    partitionEpoch: before.partitionEpoch + 1,
    lastModified: position.offset,
  }));
}

/** Partitions of one topic mostly stand together, so the topic's own digest is kept from row to row. */
function partitionHasher(state: TopicState): (slot: number, hasher: Hasher) => void {
  const { partitions } = state;
  const topicHasher = new Hasher();
  let lastSlot = -1;
  let topicDigest = zeroDigest;
  return (slot, hasher) => {
    const topicSlot = partitions.column(slot, column.topicSlot);
    if (topicSlot !== lastSlot) {
      topicHasher.reset();
      topicHasher.string(state.topics.rows.row(topicSlot).topicId);
      topicDigest = topicHasher.finish();
      lastSlot = topicSlot;
    }
    hasher.digest(topicDigest);
    for (let at = column.partitionId; at <= column.modifiedHigh; at++) {
      hasher.int32(partitions.column(slot, at));
    }
    for (let at = list.replicas; at <= list.directories; at++) {
      const values = partitions.array(slot, at);
      hasher.int32(values.length);
      for (const value of values) hasher.int32(value);
    }
  };
}

function* toRecords(state: TopicState): Iterable<PositionedRecord<TopicRecord | PartitionRecord>> {
  for (const topic of state.topics.values()) {
    yield {
      record: { type: 'TopicRecord', name: topic.name, topicId: topic.topicId },
      position: rowPosition(topic.lastModified),
    };
    for (const { lastModified, ...fields } of partitionsOf(state, topic.topicId)) {
      yield {
        record: { type: 'PartitionRecord', ...fields },
        position: rowPosition(lastModified),
      };
    }
  }
}
