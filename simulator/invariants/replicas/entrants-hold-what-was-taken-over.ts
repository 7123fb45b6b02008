import { noLeader } from '../../../src/metadata/resources/topic/records.ts';
import { findPartition } from '../../../src/metadata/resources/topic/state.ts';
import type { CommittedRecord, MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import { keyOf } from '../../workload/brokers/model-broker.ts';
import type { ReplicaLedger } from '../../workload/brokers/replica-ledger.ts';

/** Of what a leader took over so many of the newest records are looked at. */
const newestMax = 20;

/**
 * Whoever is let into an ISR has on its disk, at that record, all that the leader took over from the epochs before
 * its own: any of it may have been acknowledged by an earlier leader, and shown to consumers, without this one's
 * knowing. It is judged by what the disk of the leader holds of earlier epochs, whatever it takes for committed.
 */
export function entrantsHoldWhatWasTakenOver(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  ledger: ReplicaLedger,
): Checker {
  const checker: Checker = {
    name: 'whoever enters an ISR holds what its leader took over',
    source: 'KAFKA-7128; Kafka, Partition.isFollowerInSync; KIP-966, LeaderCandidateCompleteness',
  };
  witness.watchers.push({
    onRecord(committed) {
      const { record } = committed;
      if (record.type === 'PartitionChangeRecord') judge(committed, record.topicId, record.partitionId);
    },
  });

  function judge(
    { before, after, offset: at }: CommittedRecord,
    topicId: Parameters<typeof findPartition>[1],
    partition: number,
  ): void {
    const earlier = findPartition(before.topic, topicId, partition);
    const row = findPartition(after.topic, topicId, partition);
    // By an election nobody enters but the one that was in sync last.
    if (earlier === null || row === null || row.leader === noLeader || earlier.leader !== row.leader) return;
    const key = keyOf(topicId, partition);
    const { records = [], startOffset = 0 } = ledger.disks.get(row.leader)?.logs.get(key) ?? {};
    const taken = records.findLastIndex(({ epoch }) => epoch < row.leaderEpoch) + 1;
    for (const member of row.isr) {
      if (earlier.isr.includes(member)) continue;
      for (let offset = Math.max(startOffset, taken - newestMax); offset < taken; offset++) {
        const value = records[offset]?.value;
        if (value === undefined || ledger.holds(member, key, offset, value)) continue;
        const what = `the change at ${at} lets broker ${member} into ISR [${row.isr.join()}] of ${key}`;
        cluster.fail(
          checker,
          `${what}, and it lacks record ${value} at ${offset}, which ${row.leader} took over`,
        );
      }
    }
  }
  return checker;
}
