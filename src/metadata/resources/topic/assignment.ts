import { failed, ok, type Result } from '../../../base/result.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationContext, OperationError } from '../../operation.ts';
import { activityOf, standingOf } from '../broker/activity.ts';
import { isCordoned } from '../broker/cordon.ts';
import { normalisedDirectories } from './directories.ts';
import { placementCandidates, placeReplicas } from './placement.ts';
import {
  findPlaceFault,
  findSpreadFault,
  placementConfigs,
  placementFault,
  type PlacementRules,
} from './placement-rules.ts';
import { noLeader, type PartitionRecord, recovered } from './records.ts';
import type { TopicId } from '../../../base/brands.ts';

export type Assignments = readonly (readonly number[])[];

/** Replicas for `partitions` new partitions, placed by the controller. */
export function placeAssignments(
  image: MetadataImage,
  partitions: number,
  replicationFactor: number,
  rules: PlacementRules,
  context: OperationContext,
): Result<Assignments, OperationError> {
  const all = placementCandidates(image);
  const candidates = all.filter((candidate) => findPlaceFault(rules, candidate) === null);
  if (replicationFactor > candidates.length) {
    const excluded = all.find((candidate) => findPlaceFault(rules, candidate) !== null);
    const which = `The replication factor is ${replicationFactor}, and ${candidates.length} brokers can take replicas`;
    if (excluded === undefined || replicationFactor > all.length) return replicationFault(`${which}.`);
    const rule = findPlaceFault(rules, excluded) ?? '';
    return failed(placementFault(`${which}: ${rule}`, ruleIn(rule)));
  }
  if (candidates.every((candidate) => candidate.fenced)) {
    return replicationFault(
      'All brokers that can take replicas are fenced, so no partition would have a leader.',
    );
  }
  const placed = placeReplicas(candidates, partitions, replicationFactor, context.random);
  const fault = findRuleFault(image, placed, rules);
  return fault === null ? ok(placed) : failed(fault);
}

/** How many replicas a partition gets when nobody says: three, or as many as there are brokers for it. */
export function defaultReplicationFactor(image: MetadataImage, rules: PlacementRules): number {
  const candidates = placementCandidates(image).filter((each) => findPlaceFault(rules, each) === null);
  return Math.max(1, Math.min(3, candidates.length));
}

/** The first assignment that is against a rule. */
function findRuleFault(
  image: MetadataImage,
  assignments: Assignments,
  rules: PlacementRules,
): OperationError | null {
  for (const replicas of assignments) {
    const places = replicas.map((brokerId) => ({
      brokerId,
      rack: image.broker.brokers.get(brokerId)?.rack ?? null,
    }));
    for (const place of places) {
      const fault = findPlaceFault(rules, place);
      if (fault !== null) return placementFault(fault, ruleIn(fault));
    }
    const fault = findSpreadFault(rules, places);
    if (fault !== null) return placementFault(fault, placementConfigs.racks);
  }
  return null;
}

function ruleIn(fault: string): string {
  return Object.values(placementConfigs).find((name) => fault.startsWith(name)) ?? placementConfigs.racks;
}

export function replicationFault(message: string) {
  return failed<OperationError>({ code: 'INVALID_REPLICATION_FACTOR', message });
}

/** Why a given assignment is not a legal one, or null. `replicationFactor` is what all must have. */
export function findAssignmentFault(
  image: MetadataImage,
  assignments: Assignments,
  replicationFactor: number,
  rules: PlacementRules,
): OperationError | null {
  const isActive = activityOf(image);
  for (const [at, replicas] of assignments.entries()) {
    const fault = findReplicasFault(image, replicas, replicationFactor);
    if (fault !== null) return assignmentFault(`Assignment ${at}: ${fault}`);
    if (!replicas.some(isActive)) return assignmentFault(`Assignment ${at}: all its brokers are fenced.`);
  }
  return findRuleFault(image, assignments, rules);
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
  if (unknown !== undefined) return `broker ${unknown} is not registered.`;
  const cordoned = replicas.find((broker) => isCordoned(image, broker));
  return cordoned === undefined ? null : `broker ${cordoned} is cordoned.`;
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
  const { isActive, directories } = standingOf(image);
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
      directories: normalisedDirectories(replicas.map(directories.ofNewReplica)),
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    };
  });
}
