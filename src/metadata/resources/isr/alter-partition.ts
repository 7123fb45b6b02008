import type { TopicId } from '../../../base/brands.ts';
import { coverageMark } from '../../../base/coverage-marks.ts';
import type { ErrorCode } from '../../errors.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import { type Standing, standingOf } from '../broker/activity.ts';
import {
  batchFull,
  namedTwice,
  type PartitionRefusal,
  unknownPartition,
  unknownTopicId,
} from '../topic/partition-refusals.ts';
import type { PartitionRow } from '../topic/partition-row.ts';
import { standingIn } from '../topic/leadership.ts';
import { complete, membershipChange, withMembers } from '../topic/membership.ts';
import { type PartitionChangeRecord, partitionChange, recovered, recovering } from '../topic/records.ts';
import { findPartition } from '../topic/state.ts';
import { effectiveMinIsr, type TopicPolicy, topicPolicies } from '../topic/topic-policy.ts';

/** What a leader proposes for one partition. */
export type Proposal = {
  readonly topicId: TopicId;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly newIsr: readonly { readonly brokerId: number; readonly brokerEpoch: number }[];
  readonly leaderRecoveryState: number;
};

/** `code` null: the partition is, now or already, as proposed, or as a reassignment leaves it that ended by it. */
export type PartitionResult = {
  readonly topicId: TopicId;
  readonly partition: number;
  readonly code: ErrorCode | null;
  readonly message: string | null;
  readonly leader: number | null;
  readonly leaderEpoch: number | null;
  readonly partitionEpoch: number | null;
  readonly isr: readonly number[] | null;
  readonly leaderRecoveryState: number | null;
  /** The effective min ISR of the very state that the ISR is of. */
  readonly minInsyncReplicas: number | null;
};

/**
 * Kafka's AlterPartition for the partitions of one leader: each is accepted or refused for itself. All are
 * judged by one image, so a partition that is named twice is refused the second time.
 */
export function alterPartitions(
  image: MetadataImage,
  leader: number,
  proposals: readonly Proposal[],
): { readonly records: readonly PartitionChangeRecord[]; readonly results: readonly PartitionResult[] } {
  const policies = topicPolicies(image);
  const records: PartitionChangeRecord[] = [];
  const results: PartitionResult[] = [];
  const seen = new Set<string>();
  const standing = standingOf(image);
  for (const proposal of proposals) {
    const key = `${proposal.topicId} ${proposal.partition}`;
    const isFull = records.length >= limits.isrChangesMax;
    const row = findPartition(image.topic, proposal.topicId, proposal.partition);
    const refusal = seen.has(key)
      ? namedTwice
      : isFull
        ? batchFull
        : findRefusal(image, leader, proposal, row, standing);
    seen.add(key);
    const topicSlot = image.topic.topics.slotOf(proposal.topicId);
    if (refusal !== null || row === null || topicSlot === null) {
      results.push(refused(proposal, refusal ?? unknownPartition));
      continue;
    }
    const rules = standingIn({ ...standing, policy: policies.ofSlot(topicSlot) }, row);
    const after = complete(withMembers(row, { isr: isrOf(proposal) }, rules), rules);
    records.push(changeFor(proposal, row, after));
    results.push(accepted(proposal, row, after, rules.policy));
  }
  return { records, results };
}

/** The order of the checks is Kafka's (ReplicationControlManager): a stale leader learns first that it is stale. */
function findRefusal(
  image: MetadataImage,
  leader: number,
  proposal: Proposal,
  row: PartitionRow | null,
  standing: Standing,
): PartitionRefusal | null {
  if (image.topic.topics.get(proposal.topicId) === null) return unknownTopicId;
  if (row === null) return unknownPartition;
  return (
    findStale(leader, proposal, row) ??
    findIllegal(leader, proposal, row) ??
    findIneligible(image, proposal, standingIn(standing, row))
  );
}

function findStale(leader: number, proposal: Proposal, row: PartitionRow): PartitionRefusal | null {
  // A request from the future: this controller has not yet seen what the broker has.
  if (proposal.leaderEpoch > row.leaderEpoch || proposal.partitionEpoch > row.partitionEpoch) {
    return { code: 'NOT_CONTROLLER', message: 'The request is ahead of this controller.' };
  }
  if (proposal.leaderEpoch < row.leaderEpoch) {
    coverageMark('ISR: refused, an earlier leader epoch');
    return { code: 'FENCED_LEADER_EPOCH', message: `The leader epoch is ${row.leaderEpoch}.` };
  }
  if (leader !== row.leader) {
    return { code: 'INVALID_REQUEST', message: `The leader is ${row.leader}, not ${leader}.` };
  }
  if (proposal.partitionEpoch < row.partitionEpoch) {
    coverageMark('ISR: refused, an earlier partition epoch');
    return { code: 'INVALID_UPDATE_VERSION', message: `The partition epoch is ${row.partitionEpoch}.` };
  }
  return null;
}

function findIllegal(leader: number, proposal: Proposal, row: PartitionRow): PartitionRefusal | null {
  const isr = isrOf(proposal);
  if (isr.length === 0) return { code: 'INVALID_ISR', message: 'An ISR is never empty.' };
  if (new Set(isr).size < isr.length) return { code: 'INVALID_ISR', message: 'A broker is named twice.' };
  const stranger = isr.find((broker) => !row.replicas.includes(broker));
  if (stranger !== undefined) {
    return { code: 'INVALID_ISR', message: `Broker ${stranger} is not a replica.` };
  }
  if (!isr.includes(leader)) {
    return { code: 'INVALID_REQUEST', message: 'The leader itself is missing from the ISR.' };
  }
  const isRecovering = proposal.leaderRecoveryState === recovering;
  if (isRecovering && row.leaderRecoveryState === recovered) {
    return { code: 'INVALID_REQUEST', message: 'The leader has recovered; it cannot go back.' };
  }
  // KIP-704: while the leader recovers, what the others hold may be wrong.
  if (isRecovering && isr.length > 1) {
    return { code: 'INVALID_REQUEST', message: 'A leader that recovers is alone in its ISR.' };
  }
  return null;
}

/**
 * KAFKA-13916 and KAFKA-14617: neither a fenced broker nor an earlier incarnation may enter an ISR; nor may a replica
 * whose directory is lost.
 */
function findIneligible(
  image: MetadataImage,
  proposal: Proposal,
  { hasLost }: Standing,
): PartitionRefusal | null {
  for (const { brokerId, brokerEpoch } of proposal.newIsr) {
    const fault = hasLost(brokerId)
      ? 'has lost the directory of its replica'
      : findIneligibility(image, brokerId, brokerEpoch);
    if (fault === null) continue;
    coverageMark('ISR: refused, an ineligible replica');
    return { code: 'INELIGIBLE_REPLICA', message: `Broker ${brokerId} ${fault}.` };
  }
  return null;
}

function findIneligibility(image: MetadataImage, brokerId: number, brokerEpoch: number): string | null {
  const row = image.broker.brokers.get(brokerId);
  if (row === null) return 'is not registered';
  if (row.fenced) return 'is fenced';
  if (row.inControlledShutdown) return 'is in controlled shutdown';
  return row.brokerEpoch === brokerEpoch ? null : `has epoch ${row.brokerEpoch}, not ${brokerEpoch}`;
}

/**
 * Whatever is accepted raises the partition epoch, the ISR that stands included (Kafka leaves the epoch then): so a
 * leader that does not know what became of an earlier proposal makes sure that it can do nothing more.
 */
function changeFor(proposal: Proposal, row: PartitionRow, after: PartitionRow): PartitionChangeRecord {
  const sameState = proposal.leaderRecoveryState === row.leaderRecoveryState;
  const { topicId, partitionId } = row;
  return {
    ...(membershipChange(row, after) ?? partitionChange({ topicId, partitionId })),
    isr: after.isr,
    ...(sameState ? {} : { leaderRecoveryState: proposal.leaderRecoveryState }),
  };
}

function isrOf({ newIsr }: Proposal): readonly number[] {
  return newIsr.map((member) => member.brokerId);
}

/** The one that proposed may have lost the leadership by it, to a reassignment that ended (Kafka's word for it). */
function accepted(
  proposal: Proposal,
  row: PartitionRow,
  after: PartitionRow,
  policy: TopicPolicy,
): PartitionResult {
  const isLed = after.leader === row.leader;
  return {
    topicId: proposal.topicId,
    partition: proposal.partition,
    code: isLed ? null : 'NEW_LEADER_ELECTED',
    message: isLed ? null : `The partition has its new replicas, and ${after.leader} leads it.`,
    leader: after.leader,
    leaderEpoch: row.leaderEpoch + (isLed ? 0 : 1),
    partitionEpoch: row.partitionEpoch + 1,
    isr: after.isr,
    leaderRecoveryState: proposal.leaderRecoveryState,
    minInsyncReplicas: effectiveMinIsr(policy, after.replicas.length),
  };
}

function refused(proposal: Proposal, refusal: PartitionRefusal): PartitionResult {
  return {
    topicId: proposal.topicId,
    partition: proposal.partition,
    ...refusal,
    leader: null,
    leaderEpoch: null,
    partitionEpoch: null,
    isr: null,
    leaderRecoveryState: null,
    minInsyncReplicas: null,
  };
}
