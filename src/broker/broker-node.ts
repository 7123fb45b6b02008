import { assert } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import { createBroker } from '../client/broker.ts';
import { splitRecordBatches } from '../codec/record-batch/batches.ts';
import type { Broker, BrokerEvent, BrokerOptions } from '../client/broker-api.ts';
import { createClient, type Client } from '../client/create-client.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { PartitionRow } from '../metadata/resources/topic/partition-row.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { FileError, Files } from '../ports/files.ts';
import type { Logger } from '../ports/logger.ts';
import { ok, type Result } from '../base/result.ts';
import {
  addressOf,
  type BrokerAddress,
  heldPartitions,
  isNews,
  partitionCountOf,
  partitionNamed,
} from './broker-core.ts';
import { GroupOffsets, offsetsTopic } from './group-offsets.ts';
import { IsrProposals } from './isr-proposals.ts';
import { MetadataFollower } from './metadata-follower.ts';
import type { Lease, Partition, PartitionPorts } from './partition.ts';
import { Partitions } from './partitions.ts';
import { ReplicaAnswers } from './replica-answers.ts';
import { ReplicaFetchers } from './replica-fetcher.ts';
import type { BrokerSettings } from './settings.ts';

export type BrokerNodeOptions = {
  readonly agent: Omit<BrokerOptions, 'metadataOffset' | 'heartbeatIntervalMs'> & {
    readonly clusterId: string;
  };
  /** Of the incarnation before, by what stands in its directory; null where there was none. */
  readonly previousBrokerEpoch: number | null;
  readonly partitionsDirectory: string;
  readonly settings: BrokerSettings;
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onEvent: (event: BrokerEvent) => void;
  /** Nothing can be promised any more: the process must stop, without having left in an orderly way. */
  readonly onFatal: (message: string) => void;
};

/**
 * One broker without its listener: the agent that keeps it registered, its copy of the metadata, and a replica for
 * each partition that it holds.
 */
export class BrokerNode {
  readonly partitions: Partitions;
  readonly replicaAnswers: ReplicaAnswers;
  readonly groupOffsets: GroupOffsets;
  readonly settings: BrokerSettings;
  readonly clock: Clock;
  readonly #options: BrokerNodeOptions;
  readonly #client: Client;
  readonly #metadata: MetadataFollower;
  readonly #fetchers: ReplicaFetchers;
  readonly #proposals: IsrProposals;
  #agent: Broker | null = null;
  /** Up to where the metadata were taken in and acted upon (caught-up). */
  #settledOffset = 0;
  #taken: MetadataImage | null = null;
  #isCreating = false;
  #retention: Timer | null = null;
  #isStopping = false;

  constructor(options: BrokerNodeOptions) {
    const { agent, settings, clock, logger, files } = options;
    this.#options = options;
    this.settings = settings;
    this.clock = clock;
    this.groupOffsets = new GroupOffsets({
      retentionMs: settings.offsetsRetentionMs,
      recordsMax: settings.offsetsRecordsMax,
      wallMs: () => clock.wallMs(),
    });
    const { tls, token, controllers } = agent;
    this.#client = createClient({
      endpoints: controllers,
      ...(tls === undefined ? {} : { tls }),
      ...(token === undefined ? {} : { token }),
    });
    this.#metadata = this.#followMetadata();
    this.#fetchers = new ReplicaFetchers({
      addressOf: (brokerId) => this.addressOf(brokerId),
      clock,
      logger,
      waitMaxMs: settings.replicaFetchWaitMaxMs,
      timeoutMs: settings.replicaFetchTimeoutMs,
      bytesMax: settings.fetchBytesMax,
    });
    this.#proposals = new IsrProposals({
      brokerId: agent.id,
      brokerEpoch: () => this.#lease().brokerEpoch,
      client: this.#client,
      clock,
    });
    this.partitions = new Partitions({
      files,
      directory: options.partitionsDirectory,
      logger,
      ports: this.#partitionPorts(),
      onFailed: (error) => options.onFatal(`${error.path}: ${error.message}`),
      onSettled: () => {
        this.#settledOffset = this.#taken?.endOffset ?? 0;
      },
    });
    this.replicaAnswers = new ReplicaAnswers({
      find: (topicId, partition) => this.partitions.find(topicId, partition),
      registeredEpochOf: (brokerId) =>
        this.#metadata.image?.broker.brokers.get(brokerId)?.brokerEpoch ?? null,
      clock,
      waitMaxMs: settings.replicaFetchWaitMaxMs,
      bytesMax: settings.fetchBytesMax,
    });
  }

  get id(): number {
    return this.#options.agent.id;
  }

  /** Null before `start`. */
  get agent(): Broker | null {
    return this.#agent;
  }

  /** Recovers its logs, then registers; it serves once it is unfenced. */
  async start(): Promise<Result<null, FileError>> {
    const recovered = await this.partitions.recover();
    if (!recovered.ok) return recovered;
    if (this.#isStopping) return ok(null);
    const { agent, settings, onEvent, previousBrokerEpoch } = this.#options;
    // Nothing is acknowledged that is not flushed: with sound logs it holds all that it held before (protocols 3).
    const isVouching = recovered.value.isClean && previousBrokerEpoch !== null;
    this.#agent = createBroker({
      ...agent,
      heartbeatIntervalMs: settings.heartbeatIntervalMs,
      ...(isVouching ? { previousBrokerEpoch } : {}),
      metadataOffset: () => this.#settledOffset,
    });
    this.#agent.subscribe((event) => {
      if (event.type === 'registered') this.#take(this.#metadata.image);
      this.partitions.lookAtLease();
      onEvent(event);
    });
    this.#metadata.start();
    this.#applyRetention();
    return ok(null);
  }

  #applyRetention(): void {
    const { clock, partitions, settings } = this;
    partitions.applyRetention(clock.wallMs());
    for (const partition of partitions.all) {
      if (partition.topic !== offsetsTopic || !partition.isLeading) continue;
      void this.groupOffsets.compact(partition, (batch) => appended(partition, batch));
    }
    this.#retention = clock.setTimer(settings.retentionCheckIntervalMs, () => this.#applyRetention());
  }

  addressOf(brokerId: number): BrokerAddress | null {
    const { image } = this.#metadata;
    return image === null ? null : addressOf(image, brokerId);
  }

  /** As the metadata have it, held here or not. */
  partitionNamed(topic: string, partition: number): PartitionRow | null {
    const { image } = this.#metadata;
    return image === null ? null : partitionNamed(image, topic, partition);
  }

  partitionCount(topic: string): number {
    const { image } = this.#metadata;
    return image === null ? 0 : partitionCountOf(image, topic);
  }

  /** Asks the controllers for it; whether it is there, the metadata will say. */
  createOffsetsTopic(name: string, partitions: number): void {
    if (this.#isCreating) return;
    this.#isCreating = true;
    const configs = [
      { name: 'cleanup.policy', value: 'compact' },
      // What is shortened goes segment by segment.
      { name: 'segment.bytes', value: '1048576' },
    ];
    const { offsetsTopicReplicationFactor: replicationFactor } = this.settings;
    void this.#client
      .outcome('createTopic', { name, partitions, replicationFactor, configs })
      .then((outcome) => {
        const isRefused = outcome.type === 'refused' && outcome.error.code !== 'TOPIC_ALREADY_EXISTS';
        const { logger } = this.#options;
        if (isRefused) logger.warn('topic-not-created', { topic: name, code: outcome.error.code });
      })
      .catch(() => undefined)
      .finally(() => {
        this.#isCreating = false;
      });
  }

  /** Gives its leaderships away first, for so long at most, and goes on serving until then. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    await this.#agent?.close({ timeoutMs });
    this.#retention?.cancel();
    this.#metadata.close();
    this.replicaAnswers.close();
    await this.#fetchers.close();
    await this.partitions.close();
    await this.#client.close();
  }

  #lease(): Lease {
    const agent = this.#agent;
    if (agent === null) return { holdsLease: false, brokerEpoch: -1 };
    return { holdsLease: !agent.lease.aborted, brokerEpoch: agent.brokerEpoch ?? -1 };
  }

  #partitionPorts(): PartitionPorts {
    const { settings, clock, agent, onFatal } = this.#options;
    return {
      clock,
      config: {
        brokerId: agent.id,
        replicaLagTimeMaxMs: settings.replicaLagTimeMaxMs,
        fetchTimeoutMs: settings.replicaFetchTimeoutMs,
        retryBackoffMs: settings.retryBackoffMs,
        // How much one answer holds is counted in bytes, where they are read.
        fetchRecordsMax: Number.MAX_SAFE_INTEGER,
      },
      lease: () => this.#lease(),
      sendFetch: (leader, fetch) => this.#fetchers.want(leader, fetch),
      proposeIsr: ({ topicId, partition }: Partition, proposal, answered) =>
        this.#proposals.propose({ topicId, partition, proposal, answered }),
      onDamaged: onFatal,
    };
  }

  #followMetadata(): MetadataFollower {
    const { clock, random, logger } = this.#options;
    return new MetadataFollower({
      client: this.#client,
      clock,
      random,
      onImage: (image) => this.#take(image),
      onRetrying: ({ reason }) => logger.warn('metadata-not-followed', { reason }),
      onUnreadable: (message) => {
        // What it leads is moved while it can still be believed.
        logger.error('metadata-not-understood', { message });
        void this.#agent?.close({ timeoutMs: this.settings.controlledShutdownMaxMs });
      },
    });
  }

  #take(image: MetadataImage | null): void {
    if (image === null) return;
    const before = this.#taken;
    this.#taken = image;
    const brokerEpoch = this.#agent?.brokerEpoch ?? null;
    const isOwnRead = brokerEpoch !== null && image.endOffset > brokerEpoch;
    const isRead = before !== image && !isNews(before, image);
    // What has changed nothing here is taken in by having been looked at, unless something is still being opened.
    if (isRead && this.#settledOffset === before?.endOffset) this.#settledOffset = image.endOffset;
    else this.partitions.take(heldPartitions(image, this.id), isOwnRead);
  }
}

/** Whether a batch of this broker's own is committed, as far as it hears of that while it leads. */
function appended(partition: Partition, bytes: Buffer): Promise<boolean> {
  const split = splitRecordBatches(bytes);
  const [batch] = split.ok ? split.value : [];
  assert(batch !== undefined, 'a batch of our own can be read');
  return new Promise((resolve) => partition.produce(batch, 'all', (answer) => resolve(answer.ok)));
}
