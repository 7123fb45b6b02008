import type { Checker, ClusterObservation } from '../../observation.ts';
import type { ReplicaJudge, ReplicaLedger } from '../../workload/brokers/replica-ledger.ts';

/**
 * What is acknowledged stands on the disks of at least min ISR brokers at that moment. (KIP-966's
 * MinIsrRecoveryQuorum: with eligible leader replicas so many of them stay electable; today's controller keeps
 * the last member of the ISR alone, so that only the disks are judged here.)
 */
export function minIsrRecoveryQuorum(
  cluster: ClusterObservation,
  ledger: ReplicaLedger,
  minIsr: number,
): Checker & ReplicaJudge {
  const checker: Checker & ReplicaJudge = {
    name: 'MinIsrRecoveryQuorum',
    source: 'KIP-966; protocols 1',
    acknowledged(log, offset, value, broker) {
      let holders = 0;
      for (const each of ledger.disks.keys()) if (ledger.holds(each, log.key, offset, value)) holders++;
      if (holders >= minIsr) return;
      const what = `broker ${broker} acknowledges record ${value} at ${offset} of ${log.key}`;
      cluster.fail(checker, `${what}, and ${holders} disks hold it, of at least ${minIsr}`);
    },
  };
  return checker;
}
