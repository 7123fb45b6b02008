import { coverageMark } from '../../../base/coverage-marks.ts';
import type { Activity, Standing } from '../broker/activity.ts';
import { directoryOf } from './directories.ts';
import type { PartitionRow } from './partition-row.ts';
import { noLeader, type PartitionChangeRecord, recovering } from './records.ts';
import { minIsrOf, type TopicPolicy } from './topic-policy.ts';

/**
 * What decides who leads a partition: its replicas in order of preference, who is in sync, who is eligible
 * beside them (KIP-966), and the leader.
 *
 * A record is *committed* once it lies below a leader's high watermark. A leader raises that only to what every
 * member of the ISR that it knows of, and of the one that it has proposed, has on its disk; and never while that
 * ISR is below the min ISR that it learnt of together with it (`src/replica/`, protocols 1). Call that pair what
 * the leader knows.
 *
 * Invariants
 * 1. ISR and ELR are disjoint sets of replicas. The ISR is empty only where nobody leads and all who were in it
 *    may have lost what they held.
 * 2. The ELR is empty unless the ISR is below the effective min ISR.
 * 3. Each member of the ISR and of the ELR holds every committed record: so each of them may lead.
 * 4. The leader is an active member of the ISR, or there is none (-1).
 * 5. `lastKnownElr` names who was in the ISR or the ELR since the ISR fell below min ISR, and is in neither now:
 *    nothing is promised of them, they are where to look first when all others are gone.
 *
 * Whatever changes a partition keeps 1, 2 and 5 by `eligibleAfter`, and whatever changes a min ISR keeps 2 by clearing
 * the ELRs of the partitions that it is the min ISR of, in the same batch. That keeps 3:
 * - Who enters an ISR is vouched for by the leader that proposes it; nobody enters an ELR but from the ISR.
 * - Let a member of the ISR go into the ELR. It holds what is committed by then. Whatever is committed later is so by a
 *   leader that knows a pair (ISR, min ISR) of some moment. If it is from before the change, then the member is in that
 *   ISR, and the record waits for it. If it is of a moment since, then the ISR is below the min ISR in that pair,
 *   by 2, as long as the member is in the ELR; and nothing is committed.
 * - One of the ELR is elected: it becomes the ISR, alone, and holds every committed record by 3. The others of ISR and
 *   ELR hold them, too, and are the new ELR, or none are where 2 leaves no room.
 * - A broker's new incarnation that may have lost what it held (an unclean shutdown) leaves both before it is unfenced,
 *   and so before anybody could elect it.
 * - A broker loses the directory of a replica: what was there is gone, so that the replica leaves both as if its
 *   broker had been shut down uncleanly, and is not even remembered in `lastKnownElr` (`../directory/README.md`).
 * - An unclean election gives up what was committed before and the one who is elected does not hold: from then on
 *   committed is what it holds, it is the ISR, and nobody is eligible beside it. It is the one way to lose such a
 *   record, is only taken where an operator or the topic's policy allows it and nobody of ISR and ELR can lead, and
 *   stands in the log as such: the leader is to recover (`leaderRecoveryState`, KIP-704).
 * - Replicas change: the proof for it stands with the invariants of reassignments (`../reassignment/README.md`).
 */
export type Leadership = Pick<
  PartitionRow,
  'replicas' | 'addingReplicas' | 'isr' | 'eligibleLeaderReplicas' | 'lastKnownElr' | 'leader'
>;

/** What a change makes of it; the replicas stay what they are. */
export type Settled = Omit<Leadership, 'replicas' | 'addingReplicas'> & { readonly isUnclean?: true };

export type LeadershipRules = Standing & { readonly policy: TopicPolicy };

/**
 * How brokers stand to one partition: one whose replica was in a directory that is lost has, of this partition alone,
 * what a fenced broker may do and what one that was shut down uncleanly holds (Kafka: handleDirectoriesOffline). It
 * cannot acknowledge either, as it has stopped to lead what was there before it said so.
 */
export function standingIn<Of extends Standing>(
  standing: Of,
  row: Pick<PartitionRow, 'replicas' | 'directories'>,
): Of {
  if (row.directories.length === 0) return standing;
  const { isLost } = standing.directories;
  const hasLost = (broker: number): boolean => isLost(broker, directoryOf(row, broker));
  if (!row.replicas.some(hasLost)) return standing;
  return {
    ...standing,
    isActive: (broker) => standing.isActive(broker) && !hasLost(broker),
    isUnclean: (broker) => standing.isUnclean(broker) || hasLost(broker),
    mayServe: (broker) => standing.mayServe(broker) && !hasLost(broker),
    hasLost,
  };
}

/**
 * What a partition must be, given which brokers are active; null when it is so already.
 *
 * 1. A broker that is not active leaves the ISR, unless the ISR would be empty: its last member stays, as
 *    it holds every committed record (kraft.md, "ISR"). Of several that all went, the leader stays, else the first.
 *    One that may have lost what it held leaves ISR and ELR in any case.
 * 2. The leader is active and in the ISR: the one it is, if possible, else the first replica in order of
 *    preference that is both.
 * 3. Where the ISR has no such member, the first replica in order of preference that is active and in the ELR becomes
 *    the ISR and leads.
 * 4. Where the ELR has none either, and the topic allows it, one is elected uncleanly; else nobody leads.
 */
export function settle(before: Leadership, rules: LeadershipRules): Settled | null {
  const { isActive, isUnclean, hasLost } = rules;
  const active = before.isr.filter(isActive);
  const isr = active.length > 0 ? active : lastMember(before, isUnclean);
  const leader = electLeader(before, isr, isActive);
  if (leader === noLeader) {
    const eligible = electEligible(before, isActive);
    if (eligible !== null) return { leader: eligible, ...withIsr(before, [eligible], rules) };
    const unclean = rules.policy.allowsUncleanElection ? electUncleanly(before, rules) : null;
    if (unclean !== null) return unclean;
    coverageMark('partition: nobody can lead it');
  }
  const isElrSame = !before.eligibleLeaderReplicas.some(isUnclean) && !before.lastKnownElr.some(hasLost);
  const isSame = leader === before.leader && isr.length === before.isr.length && isElrSame;
  return isSame ? null : { leader, ...withIsr(before, isr, rules) };
}

function lastMember(before: Leadership, isUnclean: Activity): readonly number[] {
  const { leader } = before;
  const isr = before.isr.filter((member) => !isUnclean(member));
  if (isr.length <= 1) return isr;
  coverageMark('ISR: several go at once, and one stays');
  return isr.includes(leader) ? [leader] : isr.slice(0, 1);
}

function electLeader(before: Leadership, isr: readonly number[], isActive: Activity): number {
  const isElectable = (broker: number): boolean => isr.includes(broker) && isActive(broker);
  if (isElectable(before.leader)) return before.leader;
  return before.replicas.find(isElectable) ?? noLeader;
}

function electEligible({ replicas, eligibleLeaderReplicas }: Leadership, isActive: Activity): number | null {
  const isElectable = (broker: number): boolean =>
    eligibleLeaderReplicas.includes(broker) && isActive(broker);
  const elected = replicas.find(isElectable) ?? null;
  if (elected !== null) coverageMark('ELR: one of it is elected');
  return elected;
}

/**
 * The leader where none can be had without loss: of the active replicas one that was in sync most lately, else one that
 * is not about to be filled, and the first of them in order of preference. Null where none is active, or where one
 * that may lead without loss is still to stop: it may acknowledge records until it is fenced. It may lose what was
 * committed.
 */
export function electUncleanly(before: Leadership, rules: LeadershipRules): Settled | null {
  const { isActive, mayServe } = rules;
  if ([...before.isr, ...before.eligibleLeaderReplicas].some(mayServe)) return null;
  const active = before.replicas.filter(isActive);
  const elected =
    active.find((broker) => before.lastKnownElr.includes(broker)) ??
    active.find((broker) => !before.addingReplicas.includes(broker)) ??
    active[0];
  if (elected === undefined) return null;
  coverageMark('election: unclean');
  const nobodyElse = { ...rules, isUnclean: () => true };
  return { leader: elected, isUnclean: true, ...withIsr(before, [elected], nobodyElse) };
}

function withIsr(
  before: Leadership,
  isr: readonly number[],
  rules: LeadershipRules,
): Omit<Settled, 'leader'> {
  return { isr, ...eligibleAfter(before, isr, rules) };
}

/**
 * Who is eligible beside a new ISR (KIP-966). Whoever changes an ISR, or the replicas, asks here: `before` has the
 * replicas as they will be.
 */
export function eligibleAfter(
  before: Omit<Leadership, 'addingReplicas' | 'leader'>,
  isr: readonly number[],
  { policy, isUnclean, hasLost }: Pick<LeadershipRules, 'policy' | 'isUnclean' | 'hasLost'>,
): Pick<Leadership, 'eligibleLeaderReplicas' | 'lastKnownElr'> {
  const minIsr = minIsrOf(policy, before.replicas.length);
  if (minIsr === null || isr.length >= minIsr) return nobodyEligible;
  const isReplica = (broker: number): boolean => before.replicas.includes(broker);
  const known = [...before.eligibleLeaderReplicas, ...before.isr];
  const eligible = known.filter((broker) => isReplica(broker) && !isr.includes(broker) && !isUnclean(broker));
  const isRemembered = (broker: number): boolean =>
    isReplica(broker) && !isr.includes(broker) && !eligible.includes(broker) && !hasLost(broker);
  const remembered = new Set([...before.lastKnownElr, ...known].filter(isRemembered));
  return { eligibleLeaderReplicas: eligible, lastKnownElr: [...remembered] };
}

const nobodyEligible = Object.freeze({ eligibleLeaderReplicas: [], lastKnownElr: [] });

/** The fields of a change in which a partition differs from what it is. */
export function changedFields(before: Leadership, after: Partial<Settled>): Partial<PartitionChangeRecord> {
  const { isr, eligibleLeaderReplicas, lastKnownElr, leader } = after;
  return {
    ...(isr === undefined || sameMembers(isr, before.isr) ? {} : { isr }),
    ...(leader === undefined || leader === before.leader ? {} : { leader }),
    ...(eligibleLeaderReplicas === undefined ||
    sameMembers(eligibleLeaderReplicas, before.eligibleLeaderReplicas)
      ? {}
      : { eligibleLeaderReplicas }),
    ...(lastKnownElr === undefined || sameMembers(lastKnownElr, before.lastKnownElr) ? {} : { lastKnownElr }),
    ...(after.isUnclean === true ? { leaderRecoveryState: recovering } : {}),
  };
}

function sameMembers(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((member) => right.includes(member));
}
