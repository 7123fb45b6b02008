import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { NotYet, waitFor } from '../../../bench/processes/wait.ts';
import { type BrokerConfig, type RunningBroker, startBroker } from '../../../src/broker/index.ts';
import { type Client, createClient } from '../../../src/client/index.ts';
import { startQuorum } from '../../embedding/quorum.ts';

/** Short pauses, so that a test waits for what happens and not for the clock. */
export const quickSettings = {
  heartbeatIntervalMs: 200,
  replicaFetchWaitMaxMs: 100,
  retryBackoffMs: 20,
  controlledShutdownMaxMs: 5_000,
  offsetsTopicReplicationFactor: 2,
} as const;

export type TestCluster = { readonly controllers: readonly string[]; readonly client: Client };

/** One controller within this process; brokers are started beside it. */
export async function startCluster(): Promise<TestCluster> {
  // All of it shares one event loop with the test: no broker shall lose its lease because that was busy.
  const quorum = await startQuorum(1, { settings: { brokerSessionTimeoutMs: 15_000 } });
  const controllers = quorum.map(({ httpUrl }) => httpUrl);
  const client = createClient({ endpoints: controllers });
  onTestFinished(() => client.close());
  return { controllers, client };
}

export function temporaryDirectory(): string {
  const made = mkdtempSync(join(tmpdir(), 'ottla-broker-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A broker within this process, which the test's end stops. */
export async function startOne(
  cluster: TestCluster,
  config: Partial<BrokerConfig> & { readonly id: number },
): Promise<RunningBroker> {
  const { settings, ...rest } = config;
  const started = await startBroker({
    controllers: cluster.controllers,
    directory: temporaryDirectory(),
    listen: { host: '127.0.0.1', port: 0 },
    settings: { ...quickSettings, ...settings },
    ...rest,
  });
  if (!started.ok) throw new Error(`${started.error.code}: ${started.error.message}`);
  onTestFinished(async () => void (await started.value.stop()));
  return started.value;
}

/** Brokers 1, 2, … that may serve. */
export async function startBrokers(cluster: TestCluster, count: number): Promise<readonly RunningBroker[]> {
  const ids = Array.from({ length: count }, (_, at) => at + 1);
  const brokers = await Promise.all(ids.map((id) => startOne(cluster, { id })));
  await untilUnfenced(cluster, ids);
  return brokers;
}

export async function untilUnfenced({ client }: TestCluster, ids: readonly number[]): Promise<void> {
  await waitFor(`brokers ${ids.join(', ')} are unfenced`, async () => {
    const { brokers } = await client.listBrokers({});
    const active = brokers.filter(({ isFenced }) => !isFenced).map(({ brokerId }) => brokerId);
    return ids.every((id) => active.includes(id)) ? true : new NotYet(active.join(', '));
  });
}

export type Answer = {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
};

export async function ask(url: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${url}${path}`, init);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  const parsed: unknown = isJson ? JSON.parse(text) : { text };
  return { status: response.status, body: parsed as Record<string, unknown>, headers: response.headers };
}

export function post(url: string, path: string, body: unknown): Promise<Answer> {
  const isBytes = body instanceof Uint8Array;
  const headers = { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' };
  // A Buffer is a body to fetch, whatever its type says.
  return ask(url, path, {
    method: 'POST',
    headers,
    body: isBytes ? Buffer.from(body) : JSON.stringify(body),
  });
}

export function recordsPath(topic: string, partition = 0): string {
  return `/v1/topics/${topic}/partitions/${partition}/records`;
}

/** Who leads a partition, once somebody among `brokers` does and says so. */
export async function leaderOf(
  cluster: TestCluster,
  brokers: readonly RunningBroker[],
  topic: string,
  partition = 0,
): Promise<RunningBroker> {
  return await waitFor(`${topic} ${partition} has a leader that serves`, async () => {
    const { partitions } = await cluster.client.listPartitions({ topic });
    const leader = partitions[partition]?.leader;
    const broker = brokers.find(({ id }) => id === leader);
    if (broker === undefined) return new NotYet(`${leader} leads`);
    const { status, body } = await ask(broker.url, `/v1/topics/${topic}/partitions/${partition}/offsets`);
    return status === 200 ? broker : new NotYet(JSON.stringify(body));
  });
}

export type ShownPartition = {
  readonly topic: string;
  readonly partition: number;
  readonly role: string;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly logEndOffset: number;
};

export async function shownPartition(broker: RunningBroker, topic: string): Promise<ShownPartition | null> {
  const { status, body } = await ask(broker.url, '/v1/partitions');
  // It is starting.
  if (status !== 200) return null;
  const partitions = body['partitions'] as readonly ShownPartition[];
  return partitions.find((each) => each.topic === topic) ?? null;
}

/** The values of all records that a consumer sees from an offset on. */
export async function valuesOf(broker: RunningBroker, topic: string, offset = 0): Promise<readonly string[]> {
  const values: string[] = [];
  for (let next = offset; ; ) {
    const { status, body } = await ask(broker.url, `${recordsPath(topic)}?offset=${next}`);
    if (status !== 200) throw new Error(JSON.stringify(body));
    const records = body['records'] as readonly { readonly value: string }[];
    if (records.length === 0) return values;
    values.push(...records.map(({ value }) => value));
    next = Number(body['nextOffset']);
  }
}
