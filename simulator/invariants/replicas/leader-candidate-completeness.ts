import type { CommittedRecord, MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import { keyOf } from '../../workload/brokers/model-broker.ts';
import type { AcknowledgedLog, ReplicaLedger } from '../../workload/brokers/replica-ledger.ts';
import { findPartition } from '../../../src/metadata/resources/topic/state.ts';

/** Of the newest records so many are looked at with each change; older ones stood the test before. */
const newestMax = 50;

/**
 * Whoever may be elected holds everything that was acknowledged: each time the controller changes an ISR, an ELR or a
 * leader, every member of the ISR and of the ELR is looked at on its disk.
 */
export function leaderCandidateCompleteness(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  ledger: ReplicaLedger,
): Checker {
  const checker: Checker = {
    name: 'LeaderCandidateCompleteness',
    source: 'KIP-966; kraft.md, "Elections"',
  };
  witness.watchers.push({
    onRecord(committed) {
      const { record } = committed;
      if (record.type !== 'PartitionChangeRecord') return;
      const log = ledger.logs.get(keyOf(record.topicId, record.partitionId));
      if (log !== undefined) judge(committed, log, record.topicId, record.partitionId);
    },
  });

  function judge(
    { after, offset: at }: CommittedRecord,
    log: AcknowledgedLog,
    topicId: Parameters<typeof findPartition>[1],
    partition: number,
  ): void {
    const row = findPartition(after.topic, topicId, partition);
    const candidates = row === null ? [] : [...row.isr, ...row.eligibleLeaderReplicas];
    for (const member of candidates) {
      for (let offset = Math.max(0, log.endOffset - newestMax); offset < log.endOffset; offset++) {
        const value = log.values.get(offset);
        if (value === undefined || ledger.holds(member, log.key, offset, value)) continue;
        const elr = row?.eligibleLeaderReplicas.join();
        const what = `the change at ${at} makes ISR [${row?.isr.join()}] and ELR [${elr}] of ${log.key}`;
        cluster.fail(checker, `${what}, and broker ${member} lacks record ${value} at ${offset}`);
      }
    }
  }
  return checker;
}
