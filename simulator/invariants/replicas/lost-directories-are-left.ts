import type { Uuid } from '../../../src/base/brands.ts';
import type { MetadataImage } from '../../../src/metadata/image.ts';
import type { PartitionRow } from '../../../src/metadata/resources/topic/partition-row.ts';
import { brokerPartitions, findPartition, partitionAt } from '../../../src/metadata/resources/topic/state.ts';
import { finalizedMetadataVersion } from '../../../src/metadata/resources/feature/supported.ts';
import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { BrokerAnswer, BrokerJudge } from '../../workload/brokers/controller-calls.ts';

/** From this level on controllers act on what is said of directories. */
const level = 2;
/** Ids that stand for no directory, but for the one of those that are lost, end so. */
const unknownPlaces: readonly string[] = ['AAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAQ'];

/**
 * What was in a log directory that is lost is promised by nobody (KIP-858):
 * 1. A record that changes a partition leaves no replica in ISR or ELR whose broker has named its directories, and not
 *    the one in which the replica is.
 * 2. Once a broker is told that it was heard to have lost directories, none of its replicas there leads, or is in an
 *    ISR or an ELR.
 */
export function lostDirectoriesAreLeft(
  cluster: ClusterObservation,
  witness: MetadataWitness,
): Checker & BrokerJudge {
  const checker: Checker & BrokerJudge = {
    name: 'nobody counts on what was in a lost directory',
    source: 'KIP-858; protocols 3',
    answered(given) {
      const fault = findUnleft(given, witness);
      if (fault !== null) cluster.fail(checker, `broker ${given.brokerId} is answered: ${fault}`);
    },
  };
  witness.watchers.push({
    onRecord({ record, after, offset }) {
      if (record.type !== 'PartitionChangeRecord' || finalizedMetadataVersion(after) < level) return;
      const row = findPartition(after.topic, record.topicId, record.partitionId);
      const lost = row === null ? undefined : promised(row).find((broker) => isLost(after, row, broker));
      if (row === null || lost === undefined) return;
      cluster.fail(checker, `the change at ${offset} leaves broker ${lost}: ${describe(row)}`);
    },
  });
  return checker;
}

function findUnleft(
  { brokerId, operationId, body, answer }: BrokerAnswer,
  witness: MetadataWitness,
): string | null {
  const offline = (body['offlineLogDirs'] ?? []) as readonly Uuid[];
  if (operationId !== 'heartbeatBroker' || !answer.result.ok || offline.length === 0) return null;
  const image = witness.imageAt(answer.offset);
  if (image === null || finalizedMetadataVersion(image) < level) return null;
  for (const slot of brokerPartitions(image.topic, brokerId).replicas.valuesFrom(0)) {
    const row = partitionAt(image.topic, slot);
    if (promised(row).includes(brokerId) && offline.includes(placeOf(row, brokerId) ?? brokerless)) {
      return `it has lost what it has of ${describe(row)}`;
    }
  }
  return null;
}

const brokerless = 'AAAAAAAAAAAAAAAAAAAAAA' as Uuid;

function promised({ isr, eligibleLeaderReplicas, leader }: PartitionRow): readonly number[] {
  return [...isr, ...eligibleLeaderReplicas, leader];
}

function placeOf({ replicas, directories }: PartitionRow, broker: number): Uuid | null {
  return directories[replicas.indexOf(broker)] ?? null;
}

function isLost({ broker: { brokers } }: MetadataImage, row: PartitionRow, broker: number): boolean {
  const place = placeOf(row, broker);
  if (place === null || unknownPlaces.includes(place)) return false;
  const named = brokers.get(broker)?.logDirs ?? [];
  return named.length > 0 && !named.includes(place);
}

function describe({ partitionId, topicId, isr, eligibleLeaderReplicas: elr, leader }: PartitionRow): string {
  return `partition ${partitionId} of ${topicId}, led by ${leader}, with ISR [${isr.join()}] and ELR [${elr.join()}]`;
}
