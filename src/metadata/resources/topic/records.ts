import { array, defineRecord, int32, int8, nullable, type RecordOf, string, uuidType } from '../../schema.ts';

const replicas = array(int32, 60);

export const topicRecord = defineRecord({
  name: 'TopicRecord',
  id: 2,
  fields: { name: string(249), topicId: uuidType },
});

export const partitionRecord = defineRecord({
  name: 'PartitionRecord',
  id: 3,
  fields: {
    partitionId: int32,
    topicId: uuidType,
    /** In order of preference. */
    replicas,
    isr: replicas,
    removingReplicas: replicas,
    addingReplicas: replicas,
    /** -1: no leader. */
    leader: int32,
    /** 1 while the leader recovers from an unclean election. */
    leaderRecoveryState: int8,
    leaderEpoch: int32,
    partitionEpoch: int32,
    /** One for each replica, in the order of `replicas`. */
    directories: array(uuidType, 60),
    eligibleLeaderReplicas: nullable(replicas),
    lastKnownElr: nullable(replicas),
  },
});

/**
 * Only what changed: null, -2 (leader) and -1 (recovery state) say "as before". A leader that is named
 * bumps `leaderEpoch`, even if it is the same one; every change bumps `partitionEpoch`.
 */
export const partitionChangeRecord = defineRecord({
  name: 'PartitionChangeRecord',
  id: 5,
  fields: {
    partitionId: int32,
    topicId: uuidType,
    isr: nullable(replicas),
    leader: int32,
    replicas: nullable(replicas),
    removingReplicas: nullable(replicas),
    addingReplicas: nullable(replicas),
    leaderRecoveryState: int8,
    directories: nullable(array(uuidType, 60)),
    eligibleLeaderReplicas: nullable(replicas),
    lastKnownElr: nullable(replicas),
  },
});

/** The topic and all its partitions go. */
export const removeTopicRecord = defineRecord({
  name: 'RemoveTopicRecord',
  id: 9,
  fields: { topicId: uuidType },
});

/** Nobody is eligible beside the ISRs of a topic's partitions any more (KIP-966); the empty name means every topic. */
export const clearElrRecord = defineRecord({
  name: 'ClearElrRecord',
  id: 28,
  metadataVersions: [2],
  fields: { topicName: string(249) },
});

export type ClearElrRecord = RecordOf<typeof clearElrRecord>;
export type TopicRecord = RecordOf<typeof topicRecord>;
export type PartitionRecord = RecordOf<typeof partitionRecord>;
export type PartitionChangeRecord = RecordOf<typeof partitionChangeRecord>;

/** `leader` of a partition that has none. */
export const noLeader = -1;
/** `leader` of a change that leaves the leader as it is. */
export const leaderUnchanged = -2;
export const recoveryStateUnchanged = -1;
export const recovered = 0;
export const recovering = 1;

type Change = Pick<PartitionChangeRecord, 'topicId' | 'partitionId'> & Partial<PartitionChangeRecord>;

/** A change that says nothing but what is given. */
export function partitionChange(change: Change): PartitionChangeRecord {
  return {
    type: 'PartitionChangeRecord',
    isr: null,
    leader: leaderUnchanged,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
    leaderRecoveryState: recoveryStateUnchanged,
    directories: null,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    ...change,
  };
}

/** Leaders that these records elect at the price of lost records: such a one is to recover (KIP-704). */
export function countUncleanElections(records: readonly { readonly type: string }[]): number {
  return records.filter(isUncleanElection).length;
}

export function isUncleanElection(record: { readonly type: string }): boolean {
  if (record.type !== 'PartitionChangeRecord') return false;
  const { leaderRecoveryState } = record as PartitionChangeRecord;
  return leaderRecoveryState === recovering;
}
