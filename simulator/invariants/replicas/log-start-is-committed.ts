import { uuid } from '../../../src/base/brands.ts';
import { findPartition } from '../../../src/metadata/resources/topic/state.ts';
import type { MetadataWitness } from '../../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { Brokers } from '../../workload/brokers/brokers.ts';
import type { StoredLog } from '../../workload/brokers/model-disk.ts';
import type { AcknowledgedLog, ReplicaJudge } from '../../workload/brokers/replica-ledger.ts';

/** Of what is removed so many of the newest records are looked at. */
const newestMax = 20;

/**
 * Where a log begins is decided by a leader, about what is committed:
 * 1. What a leader removes stands, or stood, on the disk of every member of the ISR that is committed at that moment,
 *    as what it acknowledges does; so nobody who may be elected goes on below.
 * 2. A follower removes nothing that no leader has removed, be it for its age or because its log begins anew.
 * 3. What is removed had been flushed: a power failure leaves no log that ends before it begins.
 */
export function logStartIsCommitted(
  cluster: ClusterObservation,
  witness: MetadataWitness,
  { ledger, hosted }: Brokers,
): Checker & ReplicaJudge {
  const checker: Checker & ReplicaJudge = {
    name: 'a log begins at what is committed',
    source: 'KIP-107; Kafka, UnifiedLog.maybeIncrementLogStartOffset; protocols 1',
    starting(log, broker, stored, to, isReset) {
      const what = `broker ${broker} lets ${log.key} begin at ${to}`;
      const shell = hosted.find(({ brokerId }) => brokerId === broker)?.life?.shells.get(log.key);
      const fault =
        shell?.replica.role === 'leader' ? findUncommitted(log, broker, stored, to) : findUndecided(log, to);
      if (fault !== null) cluster.fail(checker, `${what}, and ${fault}`);
      if (!isReset && to > stored.flushed) {
        cluster.fail(checker, `${what}, and its disk is flushed up to ${stored.flushed}`);
      }
    },
  };

  function findUndecided({ startOffset }: AcknowledgedLog, to: number): string | null {
    return to <= startOffset ? null : `no leader has removed what lies above ${startOffset}`;
  }

  function findUncommitted(
    log: AcknowledgedLog,
    broker: number,
    stored: StoredLog,
    to: number,
  ): string | null {
    const row = findPartition(witness.image.topic, uuid(log.topicId), log.partition);
    for (let offset = Math.max(stored.startOffset, to - newestMax); offset < to; offset++) {
      const value = stored.records[offset]?.value;
      if (value === undefined) return `its log ends at ${stored.records.length}`;
      const missing = row?.isr.find((member) => !ledger.holds(member, log.key, offset, value));
      if (missing === undefined) continue;
      return `broker ${missing} of ISR [${row?.isr.join()}] lacks record ${value} at ${offset}, which ${broker} has`;
    }
    return null;
  }
  return checker;
}
