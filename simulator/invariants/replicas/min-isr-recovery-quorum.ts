import { resourceTypes } from '../../../src/metadata/resources/config/records.ts';
import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import { dataTopic } from '../../workload/brokers/broker-plan.ts';
import type { ReplicaJudge, ReplicaLedger } from '../../workload/brokers/replica-ledger.ts';

/**
 * What is acknowledged stands on the disks of at least min ISR brokers at that moment (KIP-966's
 * MinIsrRecoveryQuorum), be it the lowest that was ever in force: a leader may have read of an earlier one last. That
 * they stay electable is LeaderCandidateCompleteness's to judge.
 */
export function minIsrRecoveryQuorum(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  ledger: ReplicaLedger,
  plannedMinIsr: number,
): Checker & ReplicaJudge {
  let minIsr = plannedMinIsr;
  witness.watchers.push({
    onRecord({ record }) {
      if (record.type !== 'ConfigRecord' || record.name !== 'min.insync.replicas') return;
      const isOfData = record.resourceType === resourceTypes.topic && record.resourceName === dataTopic;
      if (isOfData) minIsr = Math.min(minIsr, Number(record.value ?? 1));
    },
  });
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
