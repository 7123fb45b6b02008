import { type TopicId, uuid } from '../../base/brands.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { PartitionRow } from '../../metadata/resources/topic/partition-row.ts';
import {
  brokerPartitions,
  findPartition,
  partitionAt,
  topicByName,
} from '../../metadata/resources/topic/state.ts';
import type { WatchDelta, WatchRecord } from '../../runtime/watch/watch-api.ts';

/** A partition that has a replica on the broker, as the metadata shows it. */
export type BrokerPartition = {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partition: number;
  /** The broker that leads it, -1 while none does. */
  readonly leader: number;
  readonly isLeader: boolean;
  /** The fencing token of the leadership: whoever leads under an earlier one is to be refused. */
  readonly leaderEpoch: number;
  /** Grows with every change; a change of the in-sync set names the one that it was made for. */
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
};

/** What one committed batch, or a whole state, has changed for the broker; each list in no order. */
export type PartitionChanges = {
  readonly assigned: readonly BrokerPartition[];
  /** As they were last known. */
  readonly unassigned: readonly BrokerPartition[];
  /** Another leader or leader epoch, and all that were assigned now. */
  readonly leadership: readonly BrokerPartition[];
  /** Other replicas or another in-sync set, under the same leader epoch. */
  readonly replication: readonly BrokerPartition[];
};

type Place = Pick<BrokerPartition, 'topicId' | 'partition'>;
type Collected = { readonly [List in keyof PartitionChanges]: BrokerPartition[] };

/**
 * The partitions of one broker, which follow a copy of the metadata.
 *
 * Invariant: after `take`, `partitions` are exactly those of the image that was taken last; applied one after the
 * other, the changes lead from none to these.
 */
export class BrokerPartitions {
  readonly #brokerId: number;
  readonly #known = new Map<string, BrokerPartition>();

  constructor(brokerId: number) {
    this.#brokerId = brokerId;
  }

  get partitions(): readonly BrokerPartition[] {
    return [...this.#known.values()];
  }

  /** A state that may differ anywhere from what was known. */
  takeState(image: MetadataImage): PartitionChanges {
    const changes = noChanges();
    const gone = new Set(this.#known.keys());
    for (const slot of brokerPartitions(image.topic, this.#brokerId).replicas.valuesFrom(0)) {
      const row = partitionAt(image.topic, slot);
      const key = keyOf({ topicId: row.topicId, partition: row.partitionId });
      gone.delete(key);
      this.#compare(key, this.#toPartition(image, row), changes);
    }
    for (const key of gone) this.#compare(key, null, changes);
    return changes;
  }

  /** The image that a batch has made of the one before: nothing but what the batch names can differ. */
  takeDelta(image: MetadataImage, delta: WatchDelta): PartitionChanges {
    const changes = noChanges();
    for (const [key, { topicId, partition }] of this.#touchedBy(image, delta.records)) {
      const row = findPartition(image.topic, topicId, partition);
      const isHere = row?.replicas.includes(this.#brokerId) ?? false;
      this.#compare(key, row !== null && isHere ? this.#toPartition(image, row) : null, changes);
    }
    return changes;
  }

  #touchedBy(image: MetadataImage, records: readonly WatchRecord[]): ReadonlyMap<string, Place> {
    const touched = new Map<string, Place>();
    for (const { type, value } of records) {
      const topicId = (): TopicId => uuid(String(value['topicId']));
      if (type === 'PartitionRecord' || type === 'PartitionChangeRecord') {
        const place = { topicId: topicId(), partition: Number(value['partitionId']) };
        touched.set(keyOf(place), place);
      } else if (type === 'RemoveTopicRecord' || type === 'RemovePartitionsRecord') {
        for (const place of this.#knownOf(topicId())) touched.set(keyOf(place), place);
      } else if (type === 'ClearElrRecord') {
        // It raises the partition epochs of those that had an ELR; the empty name means every topic.
        const name = String(value['topicName']);
        const topics = name === '' ? this.partitions : this.#knownOf(topicByName(image.topic, name)?.topicId);
        for (const place of topics) touched.set(keyOf(place), place);
      }
    }
    return touched;
  }

  #knownOf(topicId: TopicId | undefined): readonly Place[] {
    return this.partitions.filter((known) => known.topicId === topicId);
  }

  #toPartition(image: MetadataImage, row: PartitionRow): BrokerPartition {
    const { topicId, partitionId: partition, leader, leaderEpoch, partitionEpoch, replicas, isr } = row;
    const topic = image.topic.topics.get(topicId)?.name ?? '';
    const isLeader = leader === this.#brokerId;
    return { topic, topicId, partition, leader, isLeader, leaderEpoch, partitionEpoch, replicas, isr };
  }

  #compare(key: string, now: BrokerPartition | null, changes: Collected): void {
    const before = this.#known.get(key);
    if (now === null) {
      if (before === undefined) return;
      this.#known.delete(key);
      changes.unassigned.push(before);
      return;
    }
    this.#known.set(key, now);
    if (before === undefined) {
      changes.assigned.push(now);
      changes.leadership.push(now);
    } else if (before.leader !== now.leader || before.leaderEpoch !== now.leaderEpoch) {
      changes.leadership.push(now);
    } else if (before.partitionEpoch !== now.partitionEpoch) changes.replication.push(now);
  }
}

function noChanges(): Collected {
  return { assigned: [], unassigned: [], leadership: [], replication: [] };
}

function keyOf({ topicId, partition }: Place): string {
  return `${topicId} ${partition}`;
}
