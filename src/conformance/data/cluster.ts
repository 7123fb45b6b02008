import type { Client } from '../../client/create-client.ts';
import type { Kit } from '../kit.ts';
import { Inconclusive } from '../verdict.ts';
import { type BrokerAnswer, BrokerData, isAcknowledged } from './broker-data.ts';
import { Peer } from './peer.ts';
import { PeerLog } from './peer-log.ts';
import { patienceMs } from '../waiting.ts';

/** A topic of one partition, as it was when a check began. */
export type KitTopic = { readonly name: string; readonly topicId: string };

type Config = { readonly name: string; readonly value: string };

/** The partition as the controllers have it. */
export type PartitionNow = Awaited<ReturnType<Client['describePartition']>>;

/** The part of the cluster that has to do with records: the broker's data plane, and two brokers beside it. */
export class DataCluster {
  readonly peers: readonly [Peer, Peer];
  readonly #kit: Kit;
  /** Null: where the broker's registration says. */
  readonly #url: string | null;
  #broker: BrokerData;

  private constructor(kit: Kit, url: string | null, broker: BrokerData) {
    this.#kit = kit;
    this.#url = url;
    this.#broker = broker;
    const { client, sessionTimeoutMs, brokerId } = kit;
    this.peers = [
      new Peer(client, brokerId + 1, sessionTimeoutMs),
      new Peer(client, brokerId + 2, sessionTimeoutMs),
    ];
  }

  static async start(kit: Kit, url: string | null): Promise<DataCluster> {
    const cluster = new DataCluster(kit, url, new BrokerData(url ?? (await registeredUrl(kit))));
    for (const peer of cluster.peers) await peer.start();
    return cluster;
  }

  get broker(): BrokerData {
    return this.#broker;
  }

  async close(): Promise<void> {
    await this.#broker.close();
    for (const peer of this.peers) await peer.close();
  }

  /** As every check finds it. */
  async settle(): Promise<void> {
    await this.#findBroker();
    for (const peer of this.peers) {
      peer.logs.clear();
      peer.fetches = [];
      await peer.unfence();
    }
  }

  /** One that has been started anew may listen at another port. */
  async #findBroker(): Promise<void> {
    const url = this.#url ?? (await registeredUrl(this.#kit));
    if (url === this.#broker.url) return;
    await this.#broker.close();
    this.#broker = new BrokerData(url);
  }

  /** A topic with a replica on each of these, the first of them leading it. */
  async createTopic(replicas: readonly number[], configs: readonly Config[] = []): Promise<KitTopic> {
    const { client } = this.#kit;
    const name = this.#kit.topicName();
    const { topicId } = await client.createTopic({
      name,
      assignments: [[...replicas]],
      configs: [...configs],
    });
    return { name, topicId };
  }

  /** A topic that the broker leads, and knows that it does. */
  async createLed(others: readonly number[], configs: readonly Config[] = []): Promise<KitTopic> {
    const topic = await this.createTopic([this.#kit.brokerId, ...others], configs);
    await this.#kit.expect('The leadership of the broker', async () => {
      const answer = await this.broker.offsets(topic.name);
      return answer.status === 200 || undefined;
    });
    return topic;
  }

  /** A topic that a peer leads, with a log of its own, which the broker follows. */
  async createFollowed(leader: Peer, others: readonly number[]): Promise<{ topic: KitTopic; log: PeerLog }> {
    const topic = await this.createTopic([leader.id, ...others]);
    const { leaderEpoch } = await this.partition(topic);
    const log = new PeerLog(leaderEpoch);
    leader.logs.set(topic.topicId, log);
    return { topic, log };
  }

  partition(topic: KitTopic): Promise<PartitionNow> {
    return this.#kit.client.describePartition({ topic: topic.name, partition: 0 });
  }

  /** Records that count for nothing but to be there; acknowledged by the leader alone. */
  async fill(topic: KitTopic, count: number): Promise<void> {
    const values = Array.from({ length: count }, (_, index) => `record ${index}`);
    const answer = await this.broker.produce(topic.name, { acks: '1', timeoutMs: patienceMs, values });
    if (isAcknowledged(answer)) return;
    throw new Inconclusive(`The broker does not take records in: ${answer.code}.`);
  }

  /** A peer fetches from the broker, and says that it has flushed so much. */
  async fetchAs(
    peer: Peer,
    topic: KitTopic,
    from: { readonly fetchOffset: number; readonly flushedOffset: number },
    changes: { readonly epochChange?: number; readonly brokerEpoch?: number } = {},
  ): ReturnType<BrokerData['fetch']> {
    const { leaderEpoch } = await this.partition(topic);
    const { epochChange = 0, brokerEpoch = peer.epoch } = changes;
    const lastFetchedEpoch = from.fetchOffset === 0 ? -1 : leaderEpoch;
    const currentLeaderEpoch = leaderEpoch + epochChange;
    const partition = { topicId: topic.topicId, partition: 0, currentLeaderEpoch, ...from, lastFetchedEpoch };
    return await this.broker.fetch({
      brokerId: peer.id,
      brokerEpoch,
      maxWaitMs: 0,
      maxBytes: 1_000_000,
      partitions: [partition],
    });
  }

  /** The broker's metadata have come so far as everything that the kit has done. */
  async waitForMetadata(): Promise<void> {
    const { gateway, client } = this.#kit;
    const { offset } = await client.call('getCluster', {});
    const before = gateway.of('heartbeat').length;
    await this.#kit.expect('The broker’s taking in the metadata', () =>
      gateway
        .of('heartbeat')
        .slice(before)
        .find(({ body }) => Number(body['metadataOffset']) >= offset),
    );
  }

  /** Whether the broker acknowledges a record within that time, and what it says. */
  produce(topic: KitTopic, acks: 'all' | '1', timeoutMs = 1_000): Promise<BrokerAnswer> {
    return this.broker.produce(topic.name, { acks, timeoutMs, values: ['looked at'] });
  }
}

async function registeredUrl({ client, brokerId }: Kit): Promise<string> {
  const { listeners } = await client.describeBroker({ brokerId });
  const [first] = listeners;
  if (first === undefined) throw new Inconclusive('The broker has registered no listener.');
  return `http://${first.host}:${first.port}`;
}
