import { brokerPartitions, partitionAt } from '../../src/metadata/resources/topic/state.ts';
import { noLeader } from '../../src/metadata/resources/topic/records.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';
import type { CommittedRecord, MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';

/**
 * What a registration promises, record by record:
 * 1. An incarnation of a broker has one epoch for as long as it is registered, which is the offset of its
 *    first record, and it starts fenced.
 * 2. A broker that becomes active is in an ISR only as its last member, where nobody leads: what an earlier
 *    incarnation held, or what it held before it was fenced, it has yet to catch up with. One that may have lost
 *    what it held is in no ISR and in no ELR.
 */
export function oneEpochPerIncarnation(cluster: ClusterObservation, witness: MetadataWitness): Checker {
  const checker: Checker = {
    name: 'an incarnation has one epoch, and comes back in no ISR',
    source: 'KAFKA-16952, KAFKA-15586; KIP-631, KIP-966; protocols 3',
  };
  witness.watchers.push({
    onRecord(committed) {
      const { record, offset } = committed;
      if (record.type === 'RegisterBrokerRecord') {
        const fault = findRegistrationFault(committed);
        if (fault !== null) cluster.fail(checker, `broker ${record.brokerId} at offset ${offset}: ${fault}`);
      } else if (record.type === 'BrokerRegistrationChangeRecord' && record.fenced === -1) {
        const fault = findMembership(committed.before, record.brokerId);
        if (fault !== null) {
          cluster.fail(checker, `broker ${record.brokerId} becomes active at offset ${offset}: ${fault}`);
        }
      }
    },
  });
  return checker;
}

function findRegistrationFault({ record, offset, before }: CommittedRecord): string | null {
  if (record.type !== 'RegisterBrokerRecord') return null;
  const row = before.broker.brokers.get(record.brokerId);
  const { brokerEpoch } = record;
  if (row !== null && row.incarnationId === record.incarnationId) {
    return brokerEpoch === row.brokerEpoch
      ? null
      : `its incarnation has epoch ${row.brokerEpoch}, and now ${brokerEpoch}`;
  }
  if (brokerEpoch !== offset) return `a new incarnation has epoch ${brokerEpoch}`;
  return record.fenced ? null : 'a new incarnation starts unfenced';
}

function findMembership(
  { topic, broker: { uncleanShutdowns } }: MetadataImage,
  broker: number,
): string | null {
  const isUnclean = uncleanShutdowns.get(broker) !== null;
  for (const slot of brokerPartitions(topic, broker).replicas.valuesFrom(0)) {
    const { isr, eligibleLeaderReplicas: elr, leader, partitionId, topicId } = partitionAt(topic, slot);
    if (isUnclean && elr.includes(broker))
      return `it may have lost what makes it eligible for partition ${partitionId} of ${topicId}`;
    if (!isr.includes(broker) || (isr.length === 1 && leader === noLeader && !isUnclean)) continue;
    return `it is in the ISR [${isr.join()}] of partition ${partitionId} of ${topicId}, led by ${leader}`;
  }
  return null;
}
