import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { HostedBroker } from '../../workload/brokers/brokers.ts';

/**
 * No broker is fenced while its heartbeats arrive, over failovers, too: when a fence is committed, the broker
 * that it names has stopped believing itself unfenced, by its own clock. So a broker whose heartbeats are
 * acknowledged in time is never fenced, and one that is fenced acts no longer. One that has asked to leave is
 * fenced by its own wish, once it leads nothing, and learns of it from the answer; and one whose machine was
 * suspended cannot know.
 */
export function fencedOnlyWithoutLease(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  brokers: readonly HostedBroker[],
): Checker {
  const checker: Checker = {
    name: 'no broker is fenced while its heartbeats arrive',
    source: 'design 13; KAFKA-13959; Gray and Cheriton 1989, leases',
  };
  witness.watchers.push({
    onRecord({ record, offset }) {
      if (record.type !== 'BrokerRegistrationChangeRecord' || record.fenced !== 1) return;
      const broker = brokers.find(({ brokerId }) => brokerId === record.brokerId);
      const life = broker?.life ?? null;
      if (life === null || life.brokerEpoch !== record.brokerEpoch || !life.holdsLease()) return;
      if (life.isLeaving || broker?.process.wasSuspended === true) return;
      const what = `broker ${record.brokerId} of epoch ${record.brokerEpoch} is fenced at offset ${offset}`;
      cluster.fail(checker, `${what}, and its last heartbeat was acknowledged within its lease`);
    },
  });
  return checker;
}
