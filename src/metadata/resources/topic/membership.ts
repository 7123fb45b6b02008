import type { TopicId } from '../../../base/brands.ts';
import { coverageMark } from '../../../base/coverage-marks.ts';
import type { Standing } from '../broker/activity.ts';
import { directoriesAfter, directoryOf } from './directories.ts';
import {
  changedFields,
  eligibleAfter,
  type Leadership,
  type LeadershipRules,
  settle,
  standingIn,
} from './leadership.ts';
import { column, directoriesAt, list, type PartitionRow } from './partition-row.ts';
import { noLeader, partitionChange, type PartitionChangeRecord } from './records.ts';
import type { TopicState } from './state.ts';
import type { TopicPolicies } from './topic-policy.ts';

/**
 * Who has a replica of a partition, who is coming and going, and who may lead it. The invariants, of reassignments
 * and of eligible leader replicas together, are in `../reassignment/README.md`.
 */
export type Membership = Leadership &
  Pick<PartitionRow, 'removingReplicas' | 'directories'> & {
    /** Its leader is elected uncleanly by the very change that makes this of the partition. */
    readonly isUnclean?: true;
  };

/** With another ISR, or with other replicas and an ISR within them: who departs may be eligible, if it stays. */
export function withMembers<Member extends Membership>(
  before: Member,
  change: Pick<Membership, 'isr'> & Partial<Membership>,
  rules: LeadershipRules,
): Member {
  const { replicas = before.replicas, isr } = change;
  const directories = directoriesAfter(before, replicas, rules.directories.ofNewReplica);
  return { ...before, directories, ...change, ...eligibleAfter({ ...before, replicas }, isr, rules) };
}

/** With the ISR and the leader that the rule of leadership gives it. */
export function led<Member extends Membership>(now: Member, rules: LeadershipRules): Member {
  const settled = settle(now, rules);
  return settled === null ? now : { ...now, ...settled };
}

/**
 * Ends a reassignment whose adding replicas are all in sync, if without the removing ones there is an ISR at all
 * (Kafka: PartitionReassignmentReplicas.maybeCompleteReassignment). What is not yet so far, or is no reassignment,
 * stays as it is. Whoever makes an ISR that has anybody who was not in it asks here.
 */
export function complete<Member extends Membership>(now: Member, rules: LeadershipRules): Member {
  const { replicas, addingReplicas, removingReplicas } = now;
  if (addingReplicas.length === 0 && removingReplicas.length === 0) return now;
  const isr = now.isr.filter((member) => !removingReplicas.includes(member));
  if (isr.length === 0 || !addingReplicas.every((replica) => isr.includes(replica))) return now;
  coverageMark('reassignment: complete');
  const kept = replicas.filter((replica) => !removingReplicas.includes(replica));
  const change = { replicas: kept, addingReplicas: [], removingReplicas: [], isr };
  if (now.leader !== noLeader && !isr.includes(now.leader))
    coverageMark('reassignment: the leader is removed');
  return led(withMembers(now, change, rules), rules);
}

/** The record that makes `after` of the partition; null when it is so already. */
export function membershipChange(
  row: Membership & Pick<PartitionRow, 'topicId' | 'partitionId'>,
  after: Membership,
): PartitionChangeRecord | null {
  const changed = {
    ...differing(row, after, 'replicas'),
    ...differing(row, after, 'addingReplicas'),
    ...differing(row, after, 'removingReplicas'),
    ...changedFields(row, after),
    ...changedDirectories(row, after),
  };
  if (Object.keys(changed).length === 0) return null;
  return partitionChange({ topicId: row.topicId, partitionId: row.partitionId, ...changed });
}

/** They follow the replicas by themselves, but for the new ones. */
function changedDirectories(row: Membership, after: Membership): Partial<PartitionChangeRecord> {
  const kept = directoriesAfter(row, after.replicas);
  const directories = after.replicas.map((replica) => directoryOf(after, replica));
  const isSame = after.replicas.every(
    (replica, at) =>
      directoryOf({ replicas: after.replicas, directories: kept }, replica) === directories[at],
  );
  return isSame ? {} : { directories };
}

type List = 'replicas' | 'addingReplicas' | 'removingReplicas';

function differing(row: Membership, after: Membership, name: List): Partial<Pick<PartitionRow, List>> {
  const [before, now] = [row[name], after[name]];
  const isSame = before.length === now.length && before.every((member, at) => member === now[at]);
  return isSame ? {} : { [name]: now };
}

/** The change that settles the partition in a slot; null when there is nothing to change. */
export function settlingChange(
  state: TopicState,
  slot: number,
  standing: Standing,
  policies: TopicPolicies,
): PartitionChangeRecord | null {
  const { partitions } = state;
  const isr = partitions.array(slot, list.isr);
  const leader = partitions.column(slot, column.leader);
  // Most partitions that are looked at are as they should be: they cost no more than this.
  const { isActive, isUnclean } = standing;
  const eligibleLeaderReplicas = partitions.array(slot, list.eligibleLeaderReplicas);
  const isLed = leader !== noLeader && isr.every(isActive) && isActive(leader);
  const replicas = partitions.array(slot, list.replicas);
  const isPlaced =
    partitions.array(slot, list.directories).length === 0 &&
    replicas.every((replica) => standing.directories.only(replica) === null);
  if (isLed && isPlaced && !eligibleLeaderReplicas.some(isUnclean)) return null;
  const before = {
    topicId: topicIdAt(state, slot),
    partitionId: partitions.column(slot, column.partitionId),
    replicas,
    addingReplicas: partitions.array(slot, list.addingReplicas),
    removingReplicas: partitions.array(slot, list.removingReplicas),
    isr,
    eligibleLeaderReplicas,
    lastKnownElr: partitions.array(slot, list.lastKnownElr),
    directories: directoriesAt(partitions, slot),
    leader,
  };
  const policy = policies.ofSlot(partitions.column(slot, column.topicSlot));
  const rules = standingIn({ ...standing, policy }, before);
  // One who is elected from the ELR, or uncleanly, may be the last for whom a reassignment has waited.
  return membershipChange(before, inOnlyDirectories(complete(led(before, rules), rules), standing));
}

/**
 * A broker with one directory has all its replicas there, and need not say so of each: once it is registered, and what
 * it has lost with another one has been acted upon.
 */
function inOnlyDirectories(now: Membership, { directories: { only } }: Standing): Membership {
  const { replicas } = now;
  if (replicas.every((replica) => only(replica) === null)) return now;
  return { ...now, directories: replicas.map((replica) => only(replica) ?? directoryOf(now, replica)) };
}

function topicIdAt(state: TopicState, slot: number): TopicId {
  return state.topics.rows.row(state.partitions.column(slot, column.topicSlot)).topicId;
}
