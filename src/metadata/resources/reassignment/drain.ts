import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import { type Standing, standingOf } from '../broker/activity.ts';
import { type Candidate, placementCandidates } from '../topic/placement.ts';
import {
  findPlaceFault,
  findSpreadFault,
  type PlacementRules,
  placementRulesOf,
} from '../topic/placement-rules.ts';
import { membershipChange } from '../topic/membership.ts';
import { column, type PartitionRow, targetReplicas } from '../topic/partition-row.ts';
import { noLeader, type PartitionChangeRecord } from '../topic/records.ts';
import { brokerPartitions, partitionAt } from '../topic/state.ts';
import { effectiveMinIsr, topicPolicies, type TopicPolicy } from '../topic/topic-policy.ts';
import { moveTo } from './move.ts';

/** Why a replica cannot leave its broker. */
export type BlockerCode =
  | 'NO_LEADER'
  | 'NO_BROKER_LEFT'
  | 'NOT_ENOUGH_RACKS'
  | 'BELOW_MIN_ISR'
  | 'NOT_IN_SYNC';

export type Blocker = {
  readonly topic: string;
  readonly partition: number;
  readonly code: BlockerCode;
  readonly message: string;
};

export type DrainPlan = {
  readonly changes: readonly PartitionChangeRecord[];
  /** Partitions that leave the broker already. */
  readonly moving: number;
  readonly blockers: readonly Blocker[];
  /** The slot from which on nothing was looked at yet; null when that is all. */
  readonly next: number | null;
};

/**
 * Reassigns the replicas of one broker to others, from a slot on: so many partitions as one call may. Which are left
 * follows from the state alone: those that the broker has a replica of, and is not leaving.
 */
export function planDrain(image: MetadataImage, broker: number, from: number): DrainPlan {
  const planner = new DrainPlanner(image, broker);
  const policies = topicPolicies(image);
  const changes: PartitionChangeRecord[] = [];
  const blockers: Blocker[] = [];
  let moving = 0;
  let visited = 0;
  for (const slot of brokerPartitions(image.topic, broker).replicas.valuesFrom(from)) {
    const isFull =
      visited >= limits.repairRowsVisitedMax ||
      changes.length >= limits.drainChangesMax ||
      blockers.length >= limits.drainBlockersMax;
    if (isFull) return { changes, moving, blockers, next: slot };
    visited++;
    const row = partitionAt(image.topic, slot);
    if (row.removingReplicas.includes(broker)) {
      moving++;
      continue;
    }
    const planned = planner.plan(row, policies.ofSlot(image.topic.partitions.column(slot, column.topicSlot)));
    if ('code' in planned) blockers.push(planned);
    else changes.push(planned);
  }
  return { changes, moving, blockers, next: null };
}

/** Spreads what it plans, so that it remembers what each broker was given. */
class DrainPlanner {
  readonly #image: MetadataImage;
  readonly #broker: number;
  readonly #standing: Standing;
  readonly #candidates: readonly Candidate[];
  readonly #replicaCounts = new Map<number, number>();
  readonly #rules = new Map<string, PlacementRules>();

  constructor(image: MetadataImage, broker: number) {
    this.#image = image;
    this.#broker = broker;
    this.#standing = standingOf(image);
    this.#candidates = placementCandidates(image).filter(
      ({ brokerId, fenced }) => !fenced && brokerId !== broker,
    );
    for (const { brokerId } of this.#candidates) {
      this.#replicaCounts.set(brokerId, brokerPartitions(image.topic, brokerId).replicas.size);
    }
  }

  plan(row: PartitionRow, policy: TopicPolicy): PartitionChangeRecord | Blocker {
    const topic = this.#image.topic.topics.get(row.topicId)?.name ?? '';
    const blocked = (code: Blocker['code'], message: string): Blocker => {
      return { topic, partition: row.partitionId, code, message: shortened(message) };
    };
    if (row.leader === noLeader) {
      return blocked(
        'NO_LEADER',
        `Nobody leads it; [${row.isr.join()}] was in sync last, and no replica can be filled.`,
      );
    }
    const target = targetReplicas(row);
    const chosen = this.#choose(topic, target);
    if (typeof chosen !== 'number') return blocked(chosen.code, chosen.message);
    const replicas = target.map((replica) => (replica === this.#broker ? chosen : replica));
    const inSync = row.isr.filter((member) => member !== chosen && replicas.includes(member));
    const minIsr = effectiveMinIsr(policy, replicas.length);
    if (inSync.length + 1 < minIsr) {
      const out = replicas.filter((replica) => replica !== chosen && !row.isr.includes(replica));
      return blocked(
        'BELOW_MIN_ISR',
        `With broker ${chosen} in its place ${inSync.length + 1} replicas would be in sync, and min.insync.replicas is ${minIsr}: [${out.join()}] must be in sync first.`,
      );
    }
    const moved = moveTo(row, replicas, { ...this.#standing, policy });
    if (!moved.ok) return blocked('NOT_IN_SYNC', `It cannot go to [${replicas.join()}]: ${moved.error}.`);
    const change = membershipChange(row, moved.value);
    if (change === null) return blocked('NOT_IN_SYNC', `It has [${replicas.join()}] already.`);
    this.#replicaCounts.set(chosen, (this.#replicaCounts.get(chosen) ?? 0) + 1);
    return change;
  }

  /** By the topic's rules; then the rack with the fewest of the other replicas, then the broker with the fewest. */
  #choose(topic: string, target: readonly number[]): number | Pick<Blocker, 'code' | 'message'> {
    const rules = this.#rulesOf(topic);
    const free = this.#candidates.filter(({ brokerId }) => !target.includes(brokerId));
    const allowed = free.filter((candidate) => findPlaceFault(rules, candidate) === null);
    if (allowed.length === 0) return { code: 'NO_BROKER_LEFT', message: this.#whyNobody(rules, free) };
    const others = target
      .filter((replica) => replica !== this.#broker)
      .map((replica) => this.#placeOf(replica));
    const faultWith = (place: Candidate): string | null => findSpreadFault(rules, [...others, place]);
    const spread = allowed.filter((candidate) => faultWith(candidate) === null);
    const [first] = allowed;
    if (spread.length === 0 && first !== undefined) {
      return { code: 'NOT_ENOUGH_RACKS', message: `${faultWith(first) ?? ''}.` };
    }
    const inRack = (rack: string | null): number => others.filter((other) => other.rack === rack).length;
    const cost = ({ brokerId, rack }: Candidate): readonly number[] => [
      inRack(rack),
      this.#replicaCounts.get(brokerId) ?? 0,
      brokerId,
    ];
    return spread.reduce((best, each) => (isLess(cost(each), cost(best)) ? each : best)).brokerId;
  }

  #whyNobody(rules: PlacementRules, free: readonly Candidate[]): string {
    const [excluded] = free;
    const rule = excluded === undefined ? null : findPlaceFault(rules, excluded);
    const why = rule === null ? 'each one has a replica of it, is fenced, leaves or is cordoned' : rule;
    return `No other broker can take it: ${why}.`;
  }

  #placeOf(brokerId: number): Candidate {
    const row = this.#image.broker.brokers.get(brokerId);
    return { brokerId, rack: row?.rack ?? null, fenced: row?.fenced ?? true };
  }

  #rulesOf(topic: string): PlacementRules {
    const known = this.#rules.get(topic) ?? placementRulesOf(this.#image, topic);
    this.#rules.set(topic, known);
    return known;
  }
}

/** A rule may be long, and the answer has to be short enough to be remembered under a key. */
function shortened(message: string): string {
  const { drainMessageLengthMax: max } = limits;
  return message.length > max ? `${message.slice(0, max - 1)}…` : message;
}

/** In the order of their parts. */
function isLess(left: readonly number[], right: readonly number[]): boolean {
  const at = left.findIndex((part, index) => part !== right[index]);
  return at >= 0 && (left[at] ?? 0) < (right[at] ?? 0);
}
