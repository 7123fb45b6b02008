import type { MetadataImage } from '../../src/metadata/image.ts';
import type { PartitionRow } from '../../src/metadata/resources/topic/partition-row.ts';
import { isUncleanElection, noLeader } from '../../src/metadata/resources/topic/records.ts';
import { findPartition, partitionAt } from '../../src/metadata/resources/topic/state.ts';
import { effectiveMinIsr, topicPolicy } from '../../src/metadata/resources/topic/topic-policy.ts';
import type { CommittedRecord, MetadataWatcher, MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';

const minIsrConfig = 'min.insync.replicas';

/**
 * Every change of a partition, as it is committed, keeps the rules of leadership:
 * 1. The ISR is a set of replicas, and a leader is one of it.
 * 2. Whoever enters an ISR, or becomes leader, is registered, unfenced and not leaving at that record.
 *    (Who is in one already stays until its fencing is done, and the last member stays in any case.)
 * 3. Whoever is in the ELR is a replica outside the ISR, and the ELR is empty unless the ISR is below the effective
 *    min ISR (KIP-966). Who enters it comes from the ISR.
 * 4. A new leader was in the ISR or the ELR; or the leader before it let it into the ISR, and by that ended a
 *    reassignment that removes itself; or else the log says that it was elected uncleanly.
 * 5. A new leader has a new leader epoch, and every change a new partition epoch.
 */
export function isrMembersAreActive(cluster: ClusterObservation, witness: MetadataWitness): Checker {
  const watcher: MetadataWatcher = {
    onRecord(committed) {
      const { record } = committed;
      if (record.type !== 'PartitionRecord' && record.type !== 'PartitionChangeRecord') return;
      const { topicId, partitionId } = record;
      const before = findPartition(committed.before.topic, topicId, partitionId);
      const after = findPartition(committed.after.topic, topicId, partitionId);
      const fault =
        after === null
          ? 'is not there after its own record'
          : (findShapeFault(after) ??
            findElrFault(committed.after, before, after) ??
            findEntryFault(committed, before, after) ??
            findElectionFault(committed, before, after) ??
            findEpochFault(before, after));
      if (fault === null) return;
      cluster.fail(checker, `partition ${partitionId} of ${topicId} at offset ${committed.offset}: ${fault}`);
    },
    onBatch({ baseOffset, records }) {
      const isMinIsr = records.some(
        (record) => record.type === 'ConfigRecord' && record.name === minIsrConfig,
      );
      if (!isMinIsr) return;
      const { image } = witness;
      for (const slot of image.topic.withElr.valuesFrom(0)) {
        const row = partitionAt(image.topic, slot);
        const fault = findElrFault(image, row, row);
        if (fault !== null)
          cluster.fail(checker, `with the batch at ${baseOffset} a partition has a fault: ${fault}`);
      }
    },
  };
  const checker: Checker = {
    name: 'no fenced or stale broker enters an ISR',
    source: 'KAFKA-13916, KAFKA-14617; KIP-841; kraft.md, "ISR"',
  };
  witness.watchers.push(watcher);
  return checker;
}

function findShapeFault({ isr, replicas, leader }: PartitionRow): string | null {
  if (isr.length === 0 && leader !== noLeader) return 'its ISR is empty';
  if (new Set(isr).size < isr.length) return `a broker stands twice in its ISR [${isr.join()}]`;
  if (!isr.every((broker) => replicas.includes(broker))) return `its ISR [${isr.join()}] has a stranger`;
  if (leader !== noLeader && !isr.includes(leader)) return `its leader ${leader} is not in [${isr.join()}]`;
  return null;
}

function findElrFault(
  image: MetadataImage,
  before: PartitionRow | null,
  { topicId, isr, replicas, eligibleLeaderReplicas: elr }: PartitionRow,
): string | null {
  if (elr.length === 0) return null;
  if (new Set([...isr, ...elr]).size < isr.length + elr.length)
    return `a broker twice in ISR and ELR [${elr.join()}]`;
  if (!elr.every((broker) => replicas.includes(broker))) return `its ELR [${elr.join()}] has a stranger`;
  const policy = topicPolicy(image, image.topic.topics.get(topicId)?.name ?? '');
  const minIsr = effectiveMinIsr(policy, replicas.length);
  if (isr.length >= minIsr) return `its ISR [${isr.join()}] meets ${minIsr}, and its ELR is [${elr.join()}]`;
  const known = [...(before?.isr ?? []), ...(before?.eligibleLeaderReplicas ?? [])];
  const stranger = elr.find((broker) => !known.includes(broker));
  return stranger === undefined ? null : `broker ${stranger} enters the ELR and was not in sync`;
}

function findEntryFault(
  committed: CommittedRecord,
  before: PartitionRow | null,
  after: PartitionRow,
): string | null {
  const entered = after.isr.filter((broker) => before === null || !before.isr.includes(broker));
  // With no active replica at all the first one is named, and nobody leads.
  const isOrphan = before === null && after.leader === noLeader;
  const inactive = entered.find((broker) => !isActive(committed.before, broker));
  if (inactive !== undefined && !isOrphan) return `broker ${inactive} enters the ISR and is not active`;
  const isElected = after.leader !== noLeader && after.leader !== before?.leader;
  if (isElected && !isActive(committed.before, after.leader)) return `leader ${after.leader} is not active`;
  return null;
}

/** That it was allowed is for `effects-have-calls.ts` to say. */
function findElectionFault(
  { record }: CommittedRecord,
  before: PartitionRow | null,
  after: PartitionRow,
): string | null {
  const { leader } = after;
  if (before === null || leader === noLeader || leader === before.leader) return null;
  const isClean = before.isr.includes(leader) || before.eligibleLeaderReplicas.includes(leader);
  const isLetIn = before.removingReplicas.includes(before.leader) && after.removingReplicas.length === 0;
  return isClean || isLetIn || isUncleanElection(record)
    ? null
    : `leader ${leader} was neither in sync nor eligible`;
}

/** A batch that unfences a broker, or fences it, has that record first. */
function isActive({ broker }: MetadataImage, id: number): boolean {
  const row = broker.brokers.get(id);
  return row !== null && !row.fenced && !row.inControlledShutdown;
}

function findEpochFault(before: PartitionRow | null, after: PartitionRow): string | null {
  if (before === null) return null;
  if (after.partitionEpoch <= before.partitionEpoch) return 'the partition epoch does not grow';
  if (after.leaderEpoch < before.leaderEpoch) return 'the leader epoch falls';
  if (after.leader !== before.leader && after.leaderEpoch === before.leaderEpoch)
    return 'no new leader epoch';
  return null;
}
