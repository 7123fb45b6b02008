import { supportedFeatures } from '../../metadata/resources/feature/supported.ts';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { assertDefined } from '../../base/assert.ts';
import { uuidFromBytes } from '../../base/uuid.ts';
import type { Client } from '../../client/create-client.ts';
import { objectOf } from '../gateway/seen-request.ts';
import { encodeAnswer, type PartitionFetch, type ReplicaFetch } from './wire.ts';
import type { PeerLog } from './peer-log.ts';

/** What the broker has asked a peer for, of one partition. */
export type SeenFetch = PartitionFetch & Pick<ReplicaFetch, 'brokerId' | 'brokerEpoch'>;

/** How long an answer without news is held back. */
const idleMs = 40;

/**
 * Another broker of the cluster, played by the kit: it is registered and has a session, holds the partitions that a
 * check gives it, and never fetches anything by itself.
 */
export class Peer {
  readonly id: number;
  /** What it leads, by the ids of topics. */
  readonly logs = new Map<string, PeerLog>();
  fetches: SeenFetch[] = [];
  readonly #client: Client;
  readonly #intervalMs: number;
  readonly #server: Server;
  #epoch: number | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(client: Client, id: number, sessionTimeoutMs: number) {
    this.#client = client;
    this.id = id;
    this.#intervalMs = sessionTimeoutMs / 6;
    this.#server = createServer((request, response) => {
      void this.#serve(request, response).catch(() => response.destroy());
    });
  }

  get epoch(): number {
    return assertDefined(this.#epoch ?? undefined, 'a peer is started before it is asked');
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const clusterId = assertDefined(
      (await this.#client.getCluster({})).clusterId ?? undefined,
      'it has begun',
    );
    const registered = await this.#client.registerBroker({
      brokerId: this.id,
      clusterId,
      incarnationId: uuidFromBytes(randomBytes(16)),
      listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port }],
      features: supportedFeatures,
    });
    this.#epoch = registered.brokerEpoch;
    await this.unfence();
  }

  /** It is fenced, and in no in-sync set where another one is. */
  async fence(): Promise<void> {
    this.#pause();
    await this.#beat(true);
  }

  async unfence(): Promise<void> {
    this.#pause();
    while (await this.#beat(false)) await new Promise((resolve) => setTimeout(resolve, 20));
    this.#timer = setInterval(() => {
      void this.#beat(false).catch(() => null);
    }, this.#intervalMs);
  }

  async close(): Promise<void> {
    this.#pause();
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  /** Proposes as the leader of a partition; the members with the epochs under which they are registered. */
  async propose(topic: string, members: readonly number[]): Promise<void> {
    const { topicId, leaderEpoch, partitionEpoch } = await this.#client.describePartition({
      topic,
      partition: 0,
    });
    const newIsr = await Promise.all(
      members.map(async (brokerId) => {
        const { brokerEpoch } = await this.#client.describeBroker({ brokerId });
        return { brokerId, brokerEpoch };
      }),
    );
    const proposal = { topicId, partition: 0, leaderEpoch, partitionEpoch, newIsr };
    await this.#client.alterPartition({ brokerId: this.id, brokerEpoch: this.epoch, partitions: [proposal] });
  }

  #pause(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Whether it is fenced. It has read of all that the kit has done, so that nobody waits for it. */
  async #beat(wantFence: boolean): Promise<boolean> {
    const { isFenced } = await this.#client.heartbeatBroker({
      brokerId: this.id,
      brokerEpoch: this.epoch,
      metadataOffset: this.#client.offset,
      wantFence,
    });
    return isFenced;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
    const asked = objectOf(Buffer.concat(chunks).toString('utf8')) as Partial<ReplicaFetch>;
    const { partitions = [], brokerId = -1, brokerEpoch = -1 } = asked;
    for (const partition of partitions) this.fetches.push({ ...partition, brokerId, brokerEpoch });
    const answers = partitions.map((partition) => this.#answer(partition));
    if (answers.every(({ batches, answer }) => batches.length === 0 && answer.divergingEpoch === undefined)) {
      await new Promise((resolve) => setTimeout(resolve, idleMs));
    }
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    response.end(
      encodeAnswer(
        answers.map(({ answer }) => answer),
        answers.flatMap(({ batches }) => batches),
      ),
    );
  }

  #answer(fetch: PartitionFetch): ReturnType<PeerLog['answer']> {
    const log = this.logs.get(fetch.topicId);
    if (log !== undefined) return log.answer(fetch);
    const { topicId, partition } = fetch;
    const nothing = { highWatermark: -1, logStartOffset: -1, bytes: 0 };
    return { answer: { topicId, partition, ...nothing, error: 'NOT_LEADER_OR_FOLLOWER' }, batches: [] };
  }
}
