import type { BatchProducer } from '../../../src/replica/producer-state.ts';
import type { Checker, ClusterObservation } from '../../observation.ts';
import type { StoredRecord } from '../../workload/brokers/model-disk.ts';
import type { ReplicaJudge, ReplicaLedger } from '../../workload/brokers/replica-ledger.ts';

/**
 * Whatever an idempotent producer sends, and however often, stands in every replica's log once and in the order in
 * which it was numbered: each of its records follows the one before it by one, or begins at 0 in a later epoch. And a
 * record is acknowledged at one offset only, unless an unclean election has lost it there.
 */
export function producedOnceInOrder(
  cluster: ClusterObservation,
  ledger: ReplicaLedger,
): Checker & ReplicaJudge {
  /** Where each record of a producer was acknowledged. */
  const offsets = new Map<string, number>();
  const checker: Checker & ReplicaJudge = {
    name: 'what is produced under a sequence stands once and in order',
    source: 'KIP-98; protocols 2',
    appending({ key, startOffset }, broker, { records }, baseOffset, appended) {
      const log = [...records.slice(0, baseOffset), ...appended];
      for (let at = baseOffset; at < log.length; at++) {
        const producer = log[at]?.producer ?? null;
        if (producer === null) continue;
        const before = lastOf(log, at, producer.producerId, startOffset);
        // What stood before may be gone, and who has nothing left in the log is unknown.
        if (isNext(before, producer) || (before === null && startOffset > 0)) continue;
        const what = `broker ${broker} appends ${nameOf(producer)} at ${at} of ${key}`;
        cluster.fail(checker, `${what}, behind ${before === null ? 'nothing' : nameOf(before)}`);
      }
    },
    acknowledged({ key, startOffset }, offset, _value, broker) {
      const producer = ledger.disks.get(broker)?.log(key).records[offset]?.producer ?? null;
      if (producer === null) return;
      const record = `${nameOf(producer)} of ${key}`;
      const first = offsets.get(record) ?? offset;
      // One whose first copy retention has removed is not known any more.
      offsets.set(record, first < startOffset ? offset : first);
      if (first === offset || first < startOffset) return;
      cluster.fail(checker, `broker ${broker} acknowledges ${record} at ${offset}, and it stood at ${first}`);
    },
    lost({ key, values }) {
      for (const [record, offset] of offsets) {
        if (record.endsWith(` of ${key}`) && !values.has(offset)) offsets.delete(record);
      }
    },
  };
  return checker;
}

function lastOf(
  log: readonly StoredRecord[],
  below: number,
  producerId: number,
  startOffset: number,
): BatchProducer | null {
  for (let at = below - 1; at >= startOffset; at--) {
    const producer = log[at]?.producer ?? null;
    if (producer?.producerId === producerId) return producer;
  }
  return null;
}

function isNext(before: BatchProducer | null, { producerEpoch, baseSequence }: BatchProducer): boolean {
  if (before === null) return baseSequence === 0;
  if (producerEpoch === before.producerEpoch) return baseSequence === before.baseSequence + 1;
  return producerEpoch > before.producerEpoch && baseSequence === 0;
}

function nameOf({ producerId, producerEpoch, baseSequence }: BatchProducer): string {
  return `sequence ${baseSequence} of producer ${producerId} in epoch ${producerEpoch}`;
}
