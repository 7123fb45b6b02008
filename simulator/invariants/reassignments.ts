import type { MetadataImage } from '../../src/metadata/image.ts';
import { activityOf } from '../../src/metadata/resources/broker/activity.ts';
import { isCordoned } from '../../src/metadata/resources/broker/cordon.ts';
import {
  originalReplicas,
  type PartitionRow,
  targetReplicas,
} from '../../src/metadata/resources/topic/partition-row.ts';
import { findPartition } from '../../src/metadata/resources/topic/state.ts';
import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';

/**
 * Every change of a partition, as it is committed, keeps the rules of a reassignment:
 * 1. Those that are added and those that are removed are replicas, no one is both, and there is an original replica and
 *    one that stays.
 * 2. A reassignment ends in the change that brings the last of those that are added into the ISR: none that is through
 *    goes on.
 * 3. While it goes on, the original replicas are the same; where it ends, nobody has a replica who had none before, and
 *    those that were added and stay are in sync.
 * 4. Nobody gets a replica who is cordoned; nor, by a reassignment, who is not active.
 * 5. Nobody who was not in sync before is so because replicas changed, but for those for whom a reassignment waited.
 */
export function reassignments(cluster: ClusterObservation, witness: MetadataWitness): Checker {
  const checker: Checker = {
    name: 'a reassignment keeps the originals until it ends, and ends when it is through',
    source: 'KIP-455; protocols 10; src/metadata/resources/reassignment/README.md',
  };
  witness.watchers.push({
    onRecord({ record, before, after, offset }) {
      if (record.type !== 'PartitionRecord' && record.type !== 'PartitionChangeRecord') return;
      const { topicId, partitionId } = record;
      const now = findPartition(after.topic, topicId, partitionId);
      const earlier = findPartition(before.topic, topicId, partitionId);
      if (now === null) return;
      const fault =
        findShapeFault(now) ??
        findTakerFault(before, earlier, now) ??
        (earlier === null ? null : findChangeFault(earlier, now));
      if (fault === null) return;
      cluster.fail(checker, `partition ${partitionId} of ${topicId} at offset ${offset}: ${fault}`);
    },
  });
  return checker;
}

function sameMembers(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((member) => right.includes(member));
}

function isMoving({ addingReplicas, removingReplicas }: PartitionRow): boolean {
  return addingReplicas.length > 0 || removingReplicas.length > 0;
}

function findShapeFault(row: PartitionRow): string | null {
  const { replicas, addingReplicas: adding, removingReplicas: removing, isr } = row;
  const shown = `replicas [${replicas.join()}], adding [${adding.join()}], removing [${removing.join()}]`;
  if (![...adding, ...removing].every((broker) => replicas.includes(broker))) return `a stranger in ${shown}`;
  if (adding.some((broker) => removing.includes(broker))) return `one comes and goes in ${shown}`;
  if (originalReplicas(row).length === 0 || targetReplicas(row).length === 0)
    return `nobody stays in ${shown}`;
  const staying = isr.filter((broker) => !removing.includes(broker));
  const isThrough = staying.length > 0 && adding.every((broker) => staying.includes(broker));
  return isMoving(row) && isThrough ? `ISR [${isr.join()}], and it goes on with ${shown}` : null;
}

/** A batch that cordons a broker has that record first. */
function findTakerFault(
  image: MetadataImage,
  before: PartitionRow | null,
  { replicas }: PartitionRow,
): string | null {
  const isActive = activityOf(image);
  for (const broker of replicas) {
    if (before?.replicas.includes(broker) === true) continue;
    if (isCordoned(image, broker)) return `broker ${broker} gets a replica and is cordoned`;
    if (before !== null && !isActive(broker)) return `broker ${broker} gets a replica and is not active`;
  }
  return null;
}

function findChangeFault(before: PartitionRow, after: PartitionRow): string | null {
  const originals = originalReplicas(before);
  if (isMoving(before) && isMoving(after) && !sameMembers(originals, originalReplicas(after))) {
    return `the originals were [${originals.join()}] and are [${originalReplicas(after).join()}]`;
  }
  const isNew = (broker: number): boolean => !before.replicas.includes(broker);
  if (!isMoving(after) && after.replicas.some(isNew)) {
    return `[${before.replicas.join()}] became [${after.replicas.join()}], and nobody was added before`;
  }
  const late = before.addingReplicas.find(
    (broker) => after.replicas.includes(broker) && !after.isr.includes(broker),
  );
  if (isMoving(before) && !isMoving(after) && late !== undefined) {
    return `it ends before broker ${late} is in ISR [${after.isr.join()}]`;
  }
  if (sameMembers(before.replicas, after.replicas)) return null;
  const entered = after.isr.filter((broker) => !before.isr.includes(broker));
  const stranger = entered.find((broker) => !before.replicas.includes(broker));
  return stranger === undefined ? null : `broker ${stranger} is in sync as soon as it has a replica`;
}
