import type { MetadataRecord } from '../../../src/metadata/registry.ts';
import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { HostedBroker } from '../../workload/brokers/brokers.ts';

/**
 * No broker is fenced, unregistered or replaced while its heartbeats arrive, over failovers, too: when such a
 * record is committed, the broker that it names has stopped believing itself unfenced, by its own clock. So a
 * broker whose heartbeats are acknowledged in time is never fenced, and one that is fenced acts no longer. One
 * that has asked to leave is fenced by its own wish, once it leads nothing, and learns of it from the answer;
 * and one whose machine was suspended cannot know. One whose directories have all failed holds nothing more.
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
      const what = ending(record);
      if (what === null) return;
      const { brokerId, brokerEpoch, isReplaced } = what;
      const broker = brokers.find((hosted) => hosted.brokerId === brokerId);
      const life = broker?.life ?? null;
      if (life === null || !life.holdsLease() || life.isLeaving) return;
      if (broker?.process.wasSuspended === true || broker?.directories.haveAllFailed === true) return;
      // A new incarnation has the epoch of its own record; whichever it replaces has an earlier one.
      const isMeant = isReplaced ? life.brokerEpoch !== brokerEpoch : life.brokerEpoch === brokerEpoch;
      if (!isMeant) return;
      const text = `broker ${brokerId} of epoch ${life.brokerEpoch} is ${what.name} at offset ${offset}`;
      cluster.fail(checker, `${text}, and its last heartbeat was acknowledged within its lease`);
    },
  });
  return checker;
}

type Ending = {
  readonly name: string;
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly isReplaced: boolean;
};

/** Null for a record that takes no broker's word away. */
function ending(record: MetadataRecord): Ending | null {
  switch (record.type) {
    case 'BrokerRegistrationChangeRecord':
      return record.fenced === 1 ? endingOf('fenced', record, false) : null;
    case 'UnregisterBrokerRecord':
      return endingOf('unregistered', record, false);
    case 'RegisterBrokerRecord':
      return endingOf('replaced', record, true);
    default:
      return null;
  }
}

function endingOf(
  name: string,
  { brokerId, brokerEpoch }: { readonly brokerId: number; readonly brokerEpoch: number },
  isReplaced: boolean,
): Ending {
  return { name, brokerId, brokerEpoch, isReplaced };
}
