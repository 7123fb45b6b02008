import { isUuid } from '../base/brands.ts';
import type { MetadataImage } from '../metadata/image.ts';
import { configInForce } from '../metadata/resources/config/in-force.ts';
import type { PartitionRow } from '../metadata/resources/topic/partition-row.ts';
import {
  brokerPartitions,
  findPartition,
  partitionCount,
  partitionAt,
  topicByName,
} from '../metadata/resources/topic/state.ts';
import type { PartitionView } from '../replica/types.ts';

/** What a topic's configs say to whoever holds one of its partitions. Times are in ms; null is without end. */
export type PartitionSettings = {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly batchBytesMax: number;
  readonly retentionMs: number | null;
  readonly retentionBytes: number | null;
};

/** A partition that this broker is to hold, as the metadata says. */
export type HeldPartition = {
  readonly key: string;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly view: PartitionView;
  readonly settings: PartitionSettings;
};

/** Where a broker is reached, by its registration. */
export type BrokerAddress = { readonly brokerId: number; readonly host: string; readonly port: number };

/** A partition's name here: a topic that is made anew under an old name has another id (delete-with-the-topic). */
export function partitionKey(topicId: string, partition: number): string {
  return `${topicId}-${partition}`;
}

/** Whether a folder is called as a partition's is. */
export function isPartitionKey(name: string): boolean {
  const [, topicId, digits] = /^(.{22})-(\d{1,10})$/.exec(name) ?? [];
  return isUuid(topicId) && digits !== undefined;
}

/** Everything that a broker holds, follows and leads at one offset of the metadata. */
export function heldPartitions(image: MetadataImage, brokerId: number): readonly HeldPartition[] {
  const eligible = eligibleBrokers(image);
  const topics = new Map<string, ReturnType<typeof topicSettings>>();
  const held: HeldPartition[] = [];
  for (const slot of brokerPartitions(image.topic, brokerId).replicas.valuesFrom(0)) {
    const row = partitionAt(image.topic, slot);
    const topic = topics.get(row.topicId) ?? topicSettings(image, row.topicId);
    topics.set(row.topicId, topic);
    held.push({
      key: partitionKey(row.topicId, row.partitionId),
      topic: topic.name,
      topicId: row.topicId,
      partition: row.partitionId,
      view: viewOf(row, topic.minIsr, eligible),
      settings: topic.settings,
    });
  }
  return held;
}

function viewOf(
  { leader, leaderEpoch, partitionEpoch, replicas, isr }: PartitionRow,
  minIsr: number,
  eligible: ReadonlyMap<number, number>,
): PartitionView {
  // Fewer replicas than are demanded can never be in sync (Kafka's effective min ISR).
  const effective = Math.min(minIsr, replicas.length);
  return { leader, leaderEpoch, partitionEpoch, replicas, isr, minIsr: effective, eligible };
}

/** Who may enter an in-sync set, each with the epoch under which it is registered. */
export function eligibleBrokers(image: MetadataImage): ReadonlyMap<number, number> {
  const eligible = new Map<number, number>();
  for (const { brokerId, brokerEpoch, fenced, inControlledShutdown } of image.broker.brokers.values()) {
    if (!fenced && !inControlledShutdown) eligible.set(brokerId, brokerEpoch);
  }
  return eligible;
}

function topicSettings(
  image: MetadataImage,
  topicId: PartitionRow['topicId'],
): { readonly name: string; readonly minIsr: number; readonly settings: PartitionSettings } {
  const name = image.topic.topics.get(topicId)?.name ?? '';
  const number = (config: string): number => Number(configInForce(image, { type: 'topic', name }, config));
  const limit = (config: string): number | null => (number(config) < 0 ? null : number(config));
  const isDeleted = configInForce(image, { type: 'topic', name }, 'cleanup.policy').includes('delete');
  return {
    name,
    minIsr: number('min.insync.replicas'),
    settings: {
      segmentBytes: number('segment.bytes'),
      segmentMs: number('segment.ms'),
      batchBytesMax: number('max.message.bytes'),
      retentionMs: isDeleted ? limit('retention.ms') : null,
      retentionBytes: isDeleted ? limit('retention.bytes') : null,
    },
  };
}

/** Whether a replica that knows the one need not be told the other; `known` null: it knows nothing. */
export function isSameHolding(known: HeldPartition | null, held: HeldPartition): boolean {
  if (known === null) return false;
  return isSameView(known.view, held.view) && isSameSettings(known.settings, held.settings);
}

/** Whether a replica that knows the one need not be told the other. */
export function isSameView(left: PartitionView, right: PartitionView): boolean {
  if (left.leaderEpoch !== right.leaderEpoch || left.partitionEpoch !== right.partitionEpoch) return false;
  if (left.minIsr !== right.minIsr) return false;
  return right.replicas.every((replica) => left.eligible.get(replica) === right.eligible.get(replica));
}

function isSameSettings(left: PartitionSettings, right: PartitionSettings): boolean {
  return (
    left.segmentBytes === right.segmentBytes &&
    left.segmentMs === right.segmentMs &&
    left.batchBytesMax === right.batchBytesMax &&
    left.retentionMs === right.retentionMs &&
    left.retentionBytes === right.retentionBytes
  );
}

/** Where a broker is reached; null for one that is not registered, or has named no address. */
export function addressOf(image: MetadataImage, brokerId: number): BrokerAddress | null {
  const [first] = image.broker.brokers.get(brokerId)?.endPoints ?? [];
  return first === undefined ? null : { brokerId, host: first.host, port: first.port };
}

/** A partition by its topic's name; null where there is none. */
export function partitionNamed(image: MetadataImage, topic: string, partition: number): PartitionRow | null {
  const row = topicByName(image.topic, topic);
  return row === null ? null : findPartition(image.topic, row.topicId, partition);
}

/** 0 where there is no such topic. */
export function partitionCountOf(image: MetadataImage, topic: string): number {
  const row = topicByName(image.topic, topic);
  return row === null ? 0 : partitionCount(image.topic, row.topicId);
}

/** Whether anything has changed that a broker goes by. */
export function isNews(before: MetadataImage | null, image: MetadataImage): boolean {
  if (before === null) return true;
  return before.topic !== image.topic || before.broker !== image.broker || before.config !== image.config;
}
