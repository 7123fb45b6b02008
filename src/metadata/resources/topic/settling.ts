import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { InternalOperation } from '../../operation.ts';
import { type Standing, standingOf } from '../broker/activity.ts';
import { hasUnsettledDirectories } from '../broker/directories.ts';
import { settlingChange } from './membership.ts';
import { list } from './partition-row.ts';
import { noLeader, type PartitionChangeRecord } from './records.ts';
import { brokerPartitions, type TopicState } from './state.ts';
import { topicPolicies } from './topic-policy.ts';

/**
 * Settling the partitions of brokers that became inactive, or active: in bounded batches, each complete in
 * itself (protocols 7). What is to be changed follows from the state alone, never from what an earlier
 * batch remembered, so that a new leader finds what is left by the same rule, and an operation that comes
 * in between does no harm.
 */
export type Settling = {
  readonly changes: readonly PartitionChangeRecord[];
  readonly continueWith: InternalOperation | null;
};

/** Where a scan stands: which of its brokers, and from which slot on. */
type Cursor = { readonly at: number; readonly slot: number };

const start: Cursor = Object.freeze({ at: 0, slot: 0 });

/** The first batch over all partitions with a replica on one of `brokers`. */
export function settleReplicas(
  image: MetadataImage,
  brokers: readonly number[],
  standing: Standing,
): Settling {
  return scanReplicas(image, brokers, standing, start);
}

function scanReplicas(
  image: MetadataImage,
  brokers: readonly number[],
  standing: Standing,
  cursor: Cursor,
): Settling {
  const state = image.topic;
  const policies = topicPolicies(image);
  const order = new Map(brokers.map((broker, at) => [broker, at]));
  const changes: PartitionChangeRecord[] = [];
  let visited = 0;
  let from = cursor.slot;
  for (let at = cursor.at; at < brokers.length; at++) {
    const { replicas } = brokerPartitions(state, brokers[at] ?? noLeader);
    for (const slot of replicas.valuesFrom(from)) {
      if (visited >= limits.repairRowsVisitedMax || changes.length >= limits.repairChangesMax) {
        return { changes, continueWith: continueReplicas(brokers, { at, slot }) };
      }
      visited++;
      if (isTakenBefore(state, slot, at, order)) continue;
      const change = settlingChange(state, slot, standing, policies);
      if (change !== null) changes.push(change);
    }
    from = 0;
  }
  return { changes, continueWith: null };
}

/** A partition with replicas on several of the brokers was settled for all of them at the first one. */
function isTakenBefore(
  state: TopicState,
  slot: number,
  at: number,
  order: ReadonlyMap<number, number>,
): boolean {
  if (at === 0) return false;
  return state.partitions.array(slot, list.replicas).some((replica) => (order.get(replica) ?? at) < at);
}

function continueReplicas(brokers: readonly number[], cursor: Cursor): InternalOperation {
  return {
    name: 'settleReplicas',
    priority: 'fencing',
    handle: (image) => {
      const settling = scanReplicas(image, brokers, standingOf(image), cursor);
      return { records: settling.changes, continueWith: settling.continueWith };
    },
  };
}

/** The first batch over all partitions without a leader. */
export function settleLeaderless(image: MetadataImage, standing: Standing): Settling {
  return scanLeaderless(image, standing, 0);
}

function scanLeaderless(image: MetadataImage, standing: Standing, from: number): Settling {
  const state = image.topic;
  const policies = topicPolicies(image);
  const changes: PartitionChangeRecord[] = [];
  let visited = 0;
  for (const slot of state.leaderless.valuesFrom(from)) {
    if (visited >= limits.repairRowsVisitedMax || changes.length >= limits.repairChangesMax) {
      return { changes, continueWith: continueLeaderless(slot) };
    }
    visited++;
    const change = settlingChange(state, slot, standing, policies);
    if (change !== null) changes.push(change);
  }
  return { changes, continueWith: null };
}

/** Elects where nobody leads, as the policies are by now. */
export const electLeaderless: InternalOperation = continueLeaderless(0);

function continueLeaderless(from: number): InternalOperation {
  return {
    name: 'electLeaders',
    priority: 'fencing',
    handle: (image) => {
      const settling = scanLeaderless(image, standingOf(image), from);
      return { records: settling.changes, continueWith: settling.continueWith };
    },
  };
}

/**
 * Whether an inactive broker has left everything that it must leave: it leads nothing, and where it is in
 * an ISR still, it is the last member of a partition without a leader; and it is in no ISR and no ELR at all, if it may
 * have lost what it held; nor is anything left to be done about directories that it has lost. Until then it may not be
 * unfenced: a new incarnation would come back into ISRs that it has not caught up with (protocols 3).
 */
export function isSettled(state: TopicState, broker: number, { isUnclean, directories }: Standing): boolean {
  const { leaderCount, isrCount, leaderlessIsrCount, elrCount } = brokerPartitions(state, broker);
  if (hasUnsettledDirectories(state, broker, directories)) return false;
  if (isUnclean(broker)) return isrCount === 0 && elrCount === 0;
  return leaderCount === 0 && isrCount === leaderlessIsrCount;
}

/**
 * What an earlier leader may have left undone: to be run by a new leader before anything else. Brokers that
 * are inactive and not settled are scanned, those that have lost a directory, and the partitions without a leader.
 */
export function unfinishedFencing(image: MetadataImage): readonly InternalOperation[] {
  const standing = standingOf(image);
  const suspects: number[] = [];
  for (const broker of image.topic.brokers.keys()) {
    const isDone = standing.isActive(broker)
      ? !hasUnsettledDirectories(image.topic, broker, standing.directories)
      : isSettled(image.topic, broker, standing);
    if (!isDone) suspects.push(broker);
  }
  const work: InternalOperation[] = [];
  if (suspects.length > 0) work.push(continueReplicas(suspects, start));
  if (image.topic.leaderless.size > 0) work.push(continueLeaderless(0));
  return work;
}
