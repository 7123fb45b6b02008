import type { Checker, ClusterObservation } from '../../observation.ts';
import type { HostedBroker } from '../../workload/brokers/brokers.ts';
import type { ReplicaJudge } from '../../workload/brokers/replica-ledger.ts';

/**
 * A broker that must take itself for fenced, by its own clock, acknowledges nothing and shows nothing to
 * consumers: the controller may have given its partitions to another by then.
 */
export function noAcknowledgementWithoutLease(
  cluster: ClusterObservation,
  brokers: readonly HostedBroker[],
): Checker & ReplicaJudge {
  const checker: Checker & ReplicaJudge = {
    name: 'no acknowledgement without a lease',
    source: 'design 13; protocols 5',
    acknowledged(log, offset, value, broker) {
      judge(broker, `acknowledges record ${value} at ${offset} of ${log.key}`);
    },
    visible(log, { broker }, endOffset) {
      judge(broker, `shows ${log.key} up to ${endOffset}`);
    },
  };

  function judge(id: number, what: string): void {
    const life = brokers.find(({ brokerId }) => brokerId === id)?.life ?? null;
    if (life?.holdsLease() === true) return;
    cluster.fail(checker, `broker ${id} ${what}, and its lease is over`);
  }
  return checker;
}
