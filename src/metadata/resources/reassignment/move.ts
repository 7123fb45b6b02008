import { coverageMark } from '../../../base/coverage-marks.ts';
import { failed, ok, type Result } from '../../../base/result.ts';
import type { Activity } from '../broker/activity.ts';
import { settle } from '../topic/leadership.ts';
import { originalReplicas, type PartitionRow } from '../topic/partition-row.ts';
import { noLeader, partitionChange, type PartitionChangeRecord } from '../topic/records.ts';

/** What a reassignment changes of a partition. */
export type Membership = Pick<
  PartitionRow,
  'replicas' | 'addingReplicas' | 'removingReplicas' | 'isr' | 'leader'
>;

/**
 * The partition on its way to `target`, or there already; a failure says why it cannot go there. The original
 * replicas as the target end a reassignment and undo it (KIP-455). The invariants are in the README.
 */
export function moveTo(
  row: Membership,
  target: readonly number[],
  isActive: Activity,
): Result<Membership, string> {
  const originals = originalReplicas(row);
  const removingReplicas = originals.filter((replica) => !target.includes(replica));
  const replicas = [...target, ...removingReplicas];
  const now = led(row, isActive);
  const isr = now.isr.filter((member) => replicas.includes(member));
  if (isr.length === 0) {
    coverageMark('reassignment: refused, nobody who stays is in sync');
    return failed(`none of [${replicas.join()}] is in sync, and [${now.isr.join()}] would be lost`);
  }
  const addingReplicas = target.filter((replica) => !originals.includes(replica));
  return ok(complete(led({ ...now, replicas, addingReplicas, removingReplicas, isr }, isActive), isActive));
}

/**
 * Ends a reassignment whose adding replicas are all in sync, if without the removing ones there is an ISR at all
 * (Kafka: PartitionReassignmentReplicas.maybeCompleteReassignment). What is not yet so far, or is no reassignment,
 * stays as it is.
 */
export function complete<Member extends Membership>(now: Member, isActive: Activity): Member {
  const { replicas, addingReplicas, removingReplicas } = now;
  if (addingReplicas.length === 0 && removingReplicas.length === 0) return now;
  const isr = now.isr.filter((member) => !removingReplicas.includes(member));
  if (isr.length === 0 || !addingReplicas.every((replica) => isr.includes(replica))) return now;
  coverageMark('reassignment: complete');
  const kept = replicas.filter((replica) => !removingReplicas.includes(replica));
  const ended = { ...now, replicas: kept, addingReplicas: [], removingReplicas: [], isr };
  if (now.leader !== noLeader && !isr.includes(now.leader))
    coverageMark('reassignment: the leader is removed');
  return led(ended, isActive);
}

/** With the ISR and the leader that the rule of leadership gives it. */
function led<Member extends Membership>(now: Member, isActive: Activity): Member {
  const settled = settle(now, isActive);
  return settled === null ? now : { ...now, ...settled };
}

/** The record that makes `after` of the partition; null when it is so already. */
export function membershipChange(row: PartitionRow, after: Membership): PartitionChangeRecord | null {
  const changed = {
    ...differing(row, after, 'replicas'),
    ...differing(row, after, 'isr'),
    ...differing(row, after, 'addingReplicas'),
    ...differing(row, after, 'removingReplicas'),
    ...(after.leader === row.leader ? {} : { leader: after.leader }),
  };
  if (Object.keys(changed).length === 0) return null;
  return partitionChange({
    topicId: row.topicId,
    partitionId: row.partitionId,
    ...changed,
    ...withoutStrangers(row, after, 'eligibleLeaderReplicas'),
    ...withoutStrangers(row, after, 'lastKnownElr'),
  });
}

type List = 'replicas' | 'isr' | 'addingReplicas' | 'removingReplicas';

function differing(row: Membership, after: Membership, name: List): Partial<Pick<PartitionRow, List>> {
  const [before, now] = [row[name], after[name]];
  const isSame = before.length === now.length && before.every((member, at) => member === now[at]);
  return isSame ? {} : { [name]: now };
}

/** Nobody may be elected, however last, who is no replica any more. */
function withoutStrangers(
  row: PartitionRow,
  { replicas }: Membership,
  name: 'eligibleLeaderReplicas' | 'lastKnownElr',
): Partial<Pick<PartitionRow, 'eligibleLeaderReplicas' | 'lastKnownElr'>> {
  const kept = row[name].filter((member) => replicas.includes(member));
  return kept.length === row[name].length ? {} : { [name]: kept };
}
