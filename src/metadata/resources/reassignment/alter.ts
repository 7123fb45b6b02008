import { coverageMark } from '../../../base/coverage-marks.ts';
import type { ErrorCode } from '../../errors.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import { type Activity, type Standing, standingOf } from '../broker/activity.ts';
import { isCordoned } from '../broker/cordon.ts';
import { membershipChange } from '../topic/membership.ts';
import { namedTwice, type PartitionRefusal } from '../topic/partition-refusals.ts';
import { originalReplicas, type PartitionRow } from '../topic/partition-row.ts';
import type { PartitionChangeRecord } from '../topic/records.ts';
import { findPartition, topicByName } from '../topic/state.ts';
import { topicPolicy } from '../topic/topic-policy.ts';
import { moveTo } from './move.ts';

/** What is asked for of one partition: the replicas that it is to have, or null to cancel. */
export type ReassignmentRequest = {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly number[] | null;
};

/** `code` null: the partition is on its way to what was asked for, or has it. */
export type ReassignmentResult = {
  readonly topic: string;
  readonly partition: number;
  readonly code: ErrorCode | null;
  readonly message: string | null;
};

/** Kafka's AlterPartitionReassignments: each partition is reassigned or refused for itself, all judged by one image. */
export function alterReassignments(
  image: MetadataImage,
  requests: readonly ReassignmentRequest[],
  allowReplicationFactorChange: boolean,
): { readonly records: readonly PartitionChangeRecord[]; readonly results: readonly ReassignmentResult[] } {
  const standing = standingOf(image);
  const records: PartitionChangeRecord[] = [];
  const seen = new Set<string>();
  const results = requests.map(({ topic, partition, replicas }): ReassignmentResult => {
    const key = `${topic} ${partition}`;
    const altered = seen.has(key)
      ? namedTwice
      : alterOne(image, { topic, partition, replicas }, allowReplicationFactorChange, standing);
    seen.add(key);
    if (altered !== null && 'code' in altered) return { topic, partition, ...altered };
    if (altered !== null) records.push(altered);
    return { topic, partition, code: null, message: null };
  });
  return { records, results };
}

/** The record that does it; null where nothing has to be done. */
function alterOne(
  image: MetadataImage,
  { topic: name, partition, replicas }: ReassignmentRequest,
  allowReplicationFactorChange: boolean,
  standing: Standing,
): PartitionChangeRecord | PartitionRefusal | null {
  const topic = topicByName(image.topic, name);
  const row = topic === null ? null : findPartition(image.topic, topic.topicId, partition);
  if (row === null) {
    const what = topic === null ? `There is no topic ${name}` : `${name} has no partition ${partition}`;
    return { code: 'UNKNOWN_TOPIC_OR_PARTITION', message: `${what}.` };
  }
  const originals = originalReplicas(row);
  if (replicas === null && row.addingReplicas.length === 0 && row.removingReplicas.length === 0) {
    return { code: 'NO_REASSIGNMENT_IN_PROGRESS', message: `${name}-${partition} is not being reassigned.` };
  }
  const target = replicas ?? originals;
  const fault = replicas === null ? null : findTargetFault(image, row, replicas, standing.isActive);
  if (fault !== null) return { code: 'INVALID_REPLICA_ASSIGNMENT', message: fault };
  if (!allowReplicationFactorChange && target.length !== originals.length) {
    const message = `${name}-${partition} has ${originals.length} replicas and was given ${target.length}.`;
    return { code: 'INVALID_REPLICATION_FACTOR', message };
  }
  const moved = moveTo(row, target, { ...standing, policy: topicPolicy(image, name) });
  if (!moved.ok) {
    const message = `${name}-${partition} cannot go to [${target.join()}]: ${moved.error}.`;
    return { code: 'INVALID_REPLICA_ASSIGNMENT', message };
  }
  if (row.addingReplicas.length > 0) coverageMark('reassignment: another in its place, or none');
  return membershipChange(row, moved.value);
}

function findCordon(image: MetadataImage, row: PartitionRow, target: readonly number[]): string | null {
  const cordoned = target.find((broker) => !row.replicas.includes(broker) && isCordoned(image, broker));
  return cordoned === undefined ? null : `Broker ${cordoned} is cordoned.`;
}

/** A broker that is there already may be fenced, or cordoned; one that is to take a replica must be able to. */
function findTargetFault(
  image: MetadataImage,
  row: PartitionRow,
  target: readonly number[],
  isActive: Activity,
): string | null {
  if (target.length === 0) return 'It names no broker.';
  if (new Set(target).size < target.length) return 'It names a broker twice.';
  const leaving = originalReplicas(row).filter((replica) => !target.includes(replica));
  if (target.length + leaving.length > limits.replicasPerPartitionMax) {
    return `With those that leave it has more than ${limits.replicasPerPartitionMax} replicas (replicasPerPartitionMax).`;
  }
  const unknown = target.find((broker) => image.broker.brokers.get(broker) === null);
  if (unknown !== undefined) return `Broker ${unknown} is not registered.`;
  const inactive = target.find((broker) => !row.replicas.includes(broker) && !isActive(broker));
  if (inactive === undefined) return findCordon(image, row, target);
  const isFenced = image.broker.brokers.get(inactive)?.fenced === true;
  return `Broker ${inactive} is ${isFenced ? 'fenced' : 'in controlled shutdown'}.`;
}
