import { failed, ok, type Result } from '../base/result.ts';

/**
 * What can be set of a broker by a flat name and a number. Times are in ms and sizes in bytes, as the names say.
 *
 * Invariants
 * 1. A fetch that waits for news is answered before its follower gives it up, and well before it counts as lagging:
 *    `replicaFetchWaitMaxMs` < `replicaFetchTimeoutMs` <= `replicaLagTimeMaxMs`.
 */
export type BrokerSettings = {
  /** A follower that was not caught up for so long leaves the in-sync set (Kafka's `replica.lag.time.max.ms`). */
  readonly replicaLagTimeMaxMs: number;
  /** How long a leader holds back an answer without news (Kafka's `replica.fetch.wait.max.ms`). */
  readonly replicaFetchWaitMaxMs: number;
  /** How long a follower waits for an answer before it asks anew. */
  readonly replicaFetchTimeoutMs: number;
  /** Pause before what was refused is asked for again. */
  readonly retryBackoffMs: number;
  /** Records in one answer, to a follower or a consumer, unless one batch alone is larger. */
  readonly fetchBytesMax: number;
  /** How long a consumer may let an answer without records wait. */
  readonly consumerWaitMaxMs: number;
  /** Records that were taken in and not acknowledged yet; more are refused. */
  readonly pendingProduceBytesMax: number;
  /** How often what need not be kept is removed (Kafka's `log.retention.check.interval.ms`). */
  readonly retentionCheckIntervalMs: number;
  /** Kafka's `offsets.topic.replication.factor`: with fewer brokers the topic is not made. */
  readonly offsetsTopicReplicationFactor: number;
  /** How long a committed offset counts since it was committed (Kafka's `offsets.retention.minutes`). */
  readonly offsetsRetentionMs: number;
  /** Above so many records, besides twice those that count, a partition of the offsets' topic is shortened. */
  readonly offsetsRecordsMax: number;
  readonly heartbeatIntervalMs: number;
  /** How long the controllers may take to move away what it leads, when it is asked to stop. */
  readonly controlledShutdownMaxMs: number;
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  readonly headersTimeoutMs: number;
  readonly receiveTimeoutMs: number;
};

export const defaultBrokerSettings: BrokerSettings = {
  replicaLagTimeMaxMs: 30_000,
  replicaFetchWaitMaxMs: 500,
  replicaFetchTimeoutMs: 5_000,
  retryBackoffMs: 200,
  fetchBytesMax: 8_388_608,
  consumerWaitMaxMs: 30_000,
  pendingProduceBytesMax: 134_217_728,
  retentionCheckIntervalMs: 300_000,
  offsetsTopicReplicationFactor: 3,
  offsetsRetentionMs: 604_800_000,
  offsetsRecordsMax: 10_000,
  heartbeatIntervalMs: 2_000,
  controlledShutdownMaxMs: 30_000,
  connectionsMax: 16_384,
  connectionsPerAddressMax: 4_096,
  headersTimeoutMs: 10_000,
  receiveTimeoutMs: 30_000,
};

/** For people; times are in ms and sizes in bytes, as the names say. */
export const brokerSettingMeanings: Readonly<Record<keyof BrokerSettings, string>> = {
  replicaLagTimeMaxMs: 'a follower that was not caught up for so long leaves the in-sync set',
  replicaFetchWaitMaxMs: 'how long a leader holds back an answer to a follower that has no news',
  replicaFetchTimeoutMs: 'how long a follower waits for an answer before it asks anew',
  retryBackoffMs: 'pause before what was refused is asked for again',
  fetchBytesMax: 'records in one answer, unless one batch alone is larger',
  consumerWaitMaxMs: 'how long a consumer may let an answer without records wait',
  pendingProduceBytesMax: 'records that are not acknowledged yet; more are refused',
  retentionCheckIntervalMs: 'how often what its topic does not keep any longer is removed',
  offsetsTopicReplicationFactor:
    'replicas of the topic that keeps the offsets of groups; it is not made while there are fewer brokers',
  offsetsRetentionMs:
    'how long a committed offset counts, from when it was committed; whoever reads on without committing has to commit within it',
  offsetsRecordsMax:
    'records of a partition of that topic, besides twice those that count, above which it is shortened',
  heartbeatIntervalMs: 'how often it tells the controllers that it lives',
  controlledShutdownMaxMs: 'how long it waits for its leaderships to be moved when it is asked to stop',
  connectionsMax: 'open connections of clients and brokers',
  connectionsPerAddressMax: 'and how many of them one address may have',
  headersTimeoutMs: 'how long a client may take to send the head of a request',
  receiveTimeoutMs: 'and the whole of it',
};

/** What is not given has its default. The failure is a sentence for people. */
export function resolveBrokerSettings(
  given: Readonly<Record<string, number>>,
): Result<BrokerSettings, string> {
  const settings: Record<string, number> = { ...defaultBrokerSettings };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(settings, name)) {
      return failed(`There is no setting ${name}. There are: ${Object.keys(settings).join(', ')}.`);
    }
    if (!Number.isSafeInteger(value) || value < 1) {
      return failed(`${name} must be a whole number of at least 1, not ${value}.`);
    }
    settings[name] = value;
  }
  // Every name of the type is there, since the defaults were copied first.
  const resolved = settings as unknown as BrokerSettings;
  const fault = findFault(resolved);
  return fault === null ? ok(resolved) : failed(fault);
}

function findFault(settings: BrokerSettings): string | null {
  if (settings.replicaFetchWaitMaxMs >= settings.replicaFetchTimeoutMs) {
    return 'replicaFetchWaitMaxMs must be below replicaFetchTimeoutMs.';
  }
  if (settings.replicaFetchTimeoutMs > settings.replicaLagTimeMaxMs) {
    return 'replicaFetchTimeoutMs must be at most replicaLagTimeMaxMs.';
  }
  if (settings.connectionsPerAddressMax >= settings.connectionsMax) {
    return 'connectionsPerAddressMax must be below connectionsMax.';
  }
  if (settings.headersTimeoutMs > settings.receiveTimeoutMs) {
    return 'headersTimeoutMs must be at most receiveTimeoutMs.';
  }
  return null;
}
