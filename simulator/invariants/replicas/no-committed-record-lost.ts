import { uuid } from '../../../src/base/brands.ts';
import { findPartition } from '../../../src/metadata/resources/topic/state.ts';
import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { AcknowledgedLog, ReplicaJudge, ReplicaLedger } from '../../workload/brokers/replica-ledger.ts';

/**
 * No record that a producer was told of is ever cut off by a broker, and once all is healed the leader and
 * every broker in sync hold all of them. What an unclean election gives up, as the log says, is not counted.
 */
export function noCommittedRecordLost(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  ledger: ReplicaLedger,
): Checker & ReplicaJudge {
  const checker: Checker & ReplicaJudge = {
    name: 'NoCommittedRecordLostGlobally',
    source: 'KIP-966; protocols 1; KIP-101, KIP-279',
    truncating(log, broker, stored, to) {
      for (let offset = to; offset < Math.min(log.endOffset, stored.records.length); offset++) {
        const value = log.values.get(offset);
        if (value === undefined || stored.records[offset]?.value !== value) continue;
        const what = `broker ${broker} cuts ${log.key} to ${to}`;
        cluster.fail(checker, `${what}, and record ${value} at ${offset} was acknowledged`);
      }
    },
    atEnd() {
      for (const log of ledger.logs.values()) {
        const row = findPartition(witness.image.topic, uuid(log.topicId), log.partition);
        for (const broker of row?.isr ?? []) judgeEnd(log, broker);
      }
    },
  };

  function judgeEnd(log: AcknowledgedLog, broker: number): void {
    for (const [offset, value] of log.values) {
      if (ledger.holds(broker, log.key, offset, value)) continue;
      cluster.fail(checker, `in the end broker ${broker} lacks record ${value} at ${offset} of ${log.key}`);
    }
  }
  return checker;
}
