import { uuid } from '../../../src/base/brands.ts';
import { findPartition } from '../../../src/metadata/resources/topic/state.ts';
import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { AcknowledgedLog, ReplicaJudge, ReplicaLedger } from '../../workload/brokers/replica-ledger.ts';

/**
 * Whom a leader waits for includes whom the controller counts on: when a record is acknowledged, or shown to
 * consumers, it stands on the disk of every member of the ISR that is committed at that moment, whatever
 * leader says so and whatever it has read of the controller's decisions. (KIP-966's ReplicationQuorumSuperset,
 * from bytes.)
 */
export function replicationQuorumSuperset(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  ledger: ReplicaLedger,
): Checker & ReplicaJudge {
  const checker: Checker & ReplicaJudge = {
    name: 'ReplicationQuorumSuperset',
    source: 'KIP-966; KIP-497; Kafka, Partition.maximalIsr',
    acknowledged(log, offset, value, broker) {
      judge(log, offset, value, `broker ${broker} acknowledges`);
    },
    visible(log, { broker }, endOffset, { records, startOffset }) {
      // The older ones were looked at when they were the newest, or are below one that holds.
      const value = records[endOffset - 1]?.value;
      if (value !== undefined && endOffset > startOffset)
        judge(log, endOffset - 1, value, `broker ${broker} shows`);
    },
  };

  function judge(log: AcknowledgedLog, offset: number, value: number, who: string): void {
    const row = findPartition(witness.image.topic, uuid(log.topicId), log.partition);
    const missing = row?.isr.find((member) => !ledger.holds(member, log.key, offset, value));
    if (missing === undefined) return;
    const what = `${who} record ${value} at ${offset} of ${log.key}`;
    cluster.fail(checker, `${what}, and broker ${missing} of ISR [${row?.isr.join()}] has not flushed it`);
  }
  return checker;
}
