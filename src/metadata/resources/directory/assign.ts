import type { TopicId, Uuid } from '../../../base/brands.ts';
import type { ErrorCode } from '../../errors.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import { type Standing, standingOf } from '../broker/activity.ts';
import { offlineDirectories } from '../broker/registered-directories.ts';
import { directoryOf } from '../topic/directories.ts';
import { standingIn } from '../topic/leadership.ts';
import { complete, led, type Membership, membershipChange } from '../topic/membership.ts';
import {
  batchFull,
  namedTwice,
  type PartitionRefusal,
  unknownPartition,
  unknownTopicId,
} from '../topic/partition-refusals.ts';
import type { PartitionRow } from '../topic/partition-row.ts';
import type { PartitionChangeRecord } from '../topic/records.ts';
import { findPartition } from '../topic/state.ts';
import { type TopicPolicy, topicPolicies } from '../topic/topic-policy.ts';

/** Replicas of one broker that are in a directory. */
export type DirectoryAssignment = {
  readonly directoryId: Uuid;
  readonly partitions: readonly { readonly topicId: TopicId; readonly partition: number }[];
};

/** `code` null: the replica is in the directory, now or already. */
export type AssignmentResult = {
  readonly topicId: TopicId;
  readonly partition: number;
  readonly code: ErrorCode | null;
  readonly message: string | null;
};

/**
 * Kafka's AssignReplicasToDirs: each replica is assigned or refused for itself, and all are judged by one image, so
 * that a partition that is named twice is refused the second time. Results are in the order of the request.
 */
export function assignReplicas(
  image: MetadataImage,
  broker: number,
  assignments: readonly DirectoryAssignment[],
): {
  readonly records: readonly PartitionChangeRecord[];
  readonly results: readonly (readonly AssignmentResult[])[];
} {
  const policies = topicPolicies(image);
  const standing = standingOf(image);
  const records: PartitionChangeRecord[] = [];
  const seen = new Set<string>();
  const resultOf = (directoryId: Uuid, topicId: TopicId, partition: number): AssignmentResult => {
    const key = `${topicId} ${partition}`;
    const row = findPartition(image.topic, topicId, partition);
    const topicSlot = image.topic.topics.slotOf(topicId);
    const refusal = seen.has(key)
      ? namedTwice
      : records.length >= limits.directoryAssignmentsMax
        ? batchFull
        : findRefusal(image, broker, directoryId, row, topicSlot);
    seen.add(key);
    if (refusal !== null || row === null || topicSlot === null)
      return { topicId, partition, code: null, message: null, ...refusal };
    const change = changeFor(row, broker, directoryId, standing, policies.ofSlot(topicSlot));
    if (change !== null) records.push(change);
    return { topicId, partition, code: null, message: null };
  };
  const results = assignments.map(({ directoryId, partitions }) =>
    partitions.map(({ topicId, partition }) => resultOf(directoryId, topicId, partition)),
  );
  return { records, results };
}

function findRefusal(
  image: MetadataImage,
  broker: number,
  directory: Uuid,
  row: PartitionRow | null,
  topicSlot: number | null,
): PartitionRefusal | null {
  if (topicSlot === null) return unknownTopicId;
  if (row === null) return unknownPartition;
  if (!row.replicas.includes(broker)) {
    return { code: 'NOT_LEADER_OR_FOLLOWER', message: `Broker ${broker} has no replica of it.` };
  }
  const offline = offlineDirectories(image, broker);
  const isOnline = image.broker.brokers.get(broker)?.logDirs.includes(directory) === true;
  if (!isOnline && !offline.includes(directory)) {
    return {
      code: 'LOG_DIR_NOT_FOUND',
      message: `Broker ${broker} has not registered the directory ${directory}.`,
    };
  }
  const present = directoryOf(row, broker);
  if (present === directory || !offline.includes(present)) return null;
  return {
    code: 'KAFKA_STORAGE_ERROR',
    message: `The replica was in ${present}, which has gone offline since broker ${broker} was registered.`,
  };
}

/**
 * What is lost where the replica was leaves ISR and ELR before the new place counts; and where that is offline itself
 * (it failed before it was said to hold the replica), the replica is lost by the assignment.
 */
function changeFor(
  row: PartitionRow,
  broker: number,
  directory: Uuid,
  standing: Standing,
  policy: TopicPolicy,
): PartitionChangeRecord | null {
  if (directoryOf(row, broker) === directory) return null;
  const rules = { ...standing, policy };
  const before = led<Membership>(row, standingIn(rules, row));
  const directories = row.replicas.map((replica) =>
    replica === broker ? directory : directoryOf(row, replica),
  );
  const placed = { ...before, directories };
  const rulesThere = standingIn(rules, placed);
  return membershipChange(row, complete(led(placed, rulesThere), rulesThere));
}
