import { defineRecord, int32, int64, nullable, type RecordOf, string, uuidType } from '../../schema.ts';

/**
 * The records of groups. They are ours: the groups of Kafka's consumers live in a topic of their own, and
 * Kafka's brokers are shown these as no-ops.
 */

export const groupNameLengthMax = 249;
export const memberMetadataLengthMax = 1_024;

/** A member enters the group: then `memberEpoch` is this record's offset. Under its epoch it amends itself. */
export const joinGroupRecord = defineRecord({
  name: 'JoinGroupRecord',
  id: 1007,
  fields: {
    group: string(groupNameLengthMax),
    memberId: uuidType,
    memberEpoch: int64,
    principal: string(256),
    sessionTimeoutMs: int32,
    metadata: string(memberMetadataLengthMax),
  },
});

/** A member is gone, because it says so or because its session has expired. */
export const leaveGroupRecord = defineRecord({
  name: 'LeaveGroupRecord',
  id: 1008,
  fields: { group: string(groupNameLengthMax), memberId: uuidType, memberEpoch: int64 },
});

/** Who leads the group from now on: then `leaderEpoch` is this record's offset. */
export const groupLeaderRecord = defineRecord({
  name: 'GroupLeaderRecord',
  id: 1009,
  fields: {
    group: string(groupNameLengthMax),
    /** Null for nobody, within a batch that goes on to name somebody. */
    leaderId: nullable(uuidType),
    /** The one before while nobody leads, and -1 when nobody has. */
    leaderEpoch: int64,
  },
});

export type JoinGroupRecord = RecordOf<typeof joinGroupRecord>;
export type LeaveGroupRecord = RecordOf<typeof leaveGroupRecord>;
export type GroupLeaderRecord = RecordOf<typeof groupLeaderRecord>;
