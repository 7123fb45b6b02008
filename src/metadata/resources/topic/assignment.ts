import { failed, ok, type Result } from '../../../base/result.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationContext, OperationError } from '../../operation.ts';
import { activityOf } from '../broker/activity.ts';
import { placementCandidates, placeReplicas } from './placement.ts';
import { noLeader, type PartitionRecord, recovered } from './records.ts';
import type { TopicId } from '../../../base/brands.ts';

export type Assignments = readonly (readonly number[])[];

/** Replicas for `partitions` new partitions, placed by the controller. */
export function placeAssignments(
  image: MetadataImage,
  partitions: number,
  replicationFactor: number,
  context: OperationContext,
): Result<Assignments, OperationError> {
  const candidates = placementCandidates(image);
  if (replicationFactor > candidates.length) {
    return replicationFault(
      `The replication factor is ${replicationFactor}, and ${candidates.length} brokers can take replicas.`,
    );
  }
  if (candidates.every((candidate) => candidate.fenced)) {
    return replicationFault('All brokers are fenced, so no partition would have a leader.');
  }
  return ok(placeReplicas(candidates, partitions, replicationFactor, context.random));
}

/** How many replicas a partition gets when nobody says: three, or as many as there are brokers. */
export function defaultReplicationFactor(image: MetadataImage): number {
  return Math.max(1, Math.min(3, placementCandidates(image).length));
}

export function replicationFault(message: string) {
  return failed<OperationError>({ code: 'INVALID_REPLICATION_FACTOR', message });
}

/** Why a given assignment is not a legal one, or null. `replicationFactor` is what all must have. */
export function findAssignmentFault(
  image: MetadataImage,
  assignments: Assignments,
  replicationFactor: number,
): OperationError | null {
  const isActive = activityOf(image);
  for (const [at, replicas] of assignments.entries()) {
    const fault = findReplicasFault(image, replicas, replicationFactor);
    if (fault !== null) return assignmentFault(`Assignment ${at}: ${fault}`);
    if (!replicas.some(isActive)) return assignmentFault(`Assignment ${at}: all its brokers are fenced.`);
  }
  return null;
}

function findReplicasFault(
  image: MetadataImage,
  replicas: readonly number[],
  replicationFactor: number,
): string | null {
  if (replicas.length === 0) return 'it names no broker.';
  if (replicas.length !== replicationFactor) {
    return `it has ${replicas.length} replicas and the others ${replicationFactor}.`;
  }
  if (new Set(replicas).size < replicas.length) return 'it names a broker twice.';
  const unknown = replicas.find((broker) => image.broker.brokers.get(broker) === null);
  return unknown === undefined ? null : `broker ${unknown} is not registered.`;
}

function assignmentFault(message: string): OperationError {
  return { code: 'INVALID_REPLICA_ASSIGNMENT', message };
}

export function findPartitionCountFault(count: number): OperationError | null {
  if (count <= limits.partitionsPerTopicMax) return null;
  return {
    code: 'INVALID_PARTITIONS',
    message: `A topic has at most ${limits.partitionsPerTopicMax} partitions (partitionsPerTopicMax).`,
    details: { limit: 'partitionsPerTopicMax', maximum: limits.partitionsPerTopicMax },
  };
}

/** New partitions: those replicas that are active are in sync, the first of them leads. */
export function partitionRecords(
  image: MetadataImage,
  topicId: TopicId,
  firstPartition: number,
  assignments: Assignments,
): readonly PartitionRecord[] {
  const isActive = activityOf(image);
  return assignments.map((replicas, at) => {
    const isr = replicas.filter(isActive);
    return {
      type: 'PartitionRecord',
      partitionId: firstPartition + at,
      topicId,
      replicas,
      isr,
      removingReplicas: [],
      addingReplicas: [],
      leader: isr[0] ?? noLeader,
      leaderRecoveryState: recovered,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: [],
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    };
  });
}
