import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { splitRecordBatches } from '../../../src/codec/record-batch/batches.ts';
import { decodeRecordBatch, encodeRecordBatch } from '../../../src/codec/record-batch/records.ts';
import { type Client, createClient, OttlaError } from '../../../src/client/index.ts';
import {
  decodeAnswer,
  encodeAnswer,
  type PartitionAnswer,
  type ReplicaFetch,
} from '../../../src/conformance/data/wire.ts';
import { objectOf } from '../../../src/conformance/gateway/seen-request.ts';
import type { MetadataImage } from '../../../src/metadata/image.ts';
import { activityOf } from '../../../src/metadata/resources/broker/activity.ts';
import { configInForce } from '../../../src/metadata/resources/config/in-force.ts';
import type { PartitionRow } from '../../../src/metadata/resources/topic/partition-row.ts';
import { brokerPartitions, partitionAt } from '../../../src/metadata/resources/topic/state.ts';
import type { FetchRequest, PartitionView } from '../../../src/replica/types.ts';
import type { HasFault } from './data-faults.ts';
import { DataPartition, type PartitionHost, type Produced, type Proposal } from './data-partition.ts';
import { pause } from './faulty-client.ts';

export type DataPlaneOptions = {
  readonly brokerId: number;
  readonly controllers: readonly string[];
  readonly has: HasFault;
  readonly brokerEpoch: () => number;
  readonly holdsLease: () => boolean;
};

/** The part of a test's broker that has to do with records: in memory, and otherwise as docs/BROKERS.md has it. */
export class DataPlane implements PartitionHost {
  readonly brokerId: number;
  readonly has: HasFault;
  readonly brokerEpoch: () => number;
  readonly holdsLease: () => boolean;
  /** Another one in each of its lives. */
  port = 0;
  offset = 0;
  readonly #client: Client;
  readonly #server: Server;
  readonly #partitions = new Map<string, DataPartition>();
  readonly #ticker: NodeJS.Timeout;
  #image: MetadataImage | null = null;
  #isOver = false;

  constructor({ brokerId, controllers, has, brokerEpoch, holdsLease }: DataPlaneOptions) {
    this.brokerId = brokerId;
    this.has = has;
    this.brokerEpoch = brokerEpoch;
    this.holdsLease = holdsLease;
    this.#client = createClient({ endpoints: controllers });
    this.#server = createServer((request, response) => {
      void this.#serve(request, response).catch(() => response.destroy());
    });
    this.#ticker = setInterval(() => {
      for (const partition of this.#partitions.values()) partition.tick();
    }, 10);
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const address = this.#server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    void this.#follow();
  }

  async close(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#ticker);
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
    await this.#client.close();
  }

  sendFetch(partition: DataPartition, leader: number, fetchId: number, request: FetchRequest): void {
    void this.#fetch(partition, leader, fetchId, request).catch(() => null);
  }

  propose(partition: DataPartition, proposal: Proposal): void {
    void this.#propose(partition, proposal);
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      try {
        const copy = await this.#client.localImage({ kinds: ['broker', 'topic', 'config'] });
        this.#take(copy.image);
        copy.subscribe((image) => this.#take(image));
        if (!this.has('goes back to an older leader epoch')) await copy.ended;
        await pause(150);
        copy.close();
      } catch {
        await pause(50);
      }
    }
  }

  #take(image: MetadataImage): void {
    const goesBack = this.has('goes back to an older leader epoch');
    if (this.#isOver || (image.endOffset < this.offset && !goesBack)) return;
    this.#image = image;
    const held = new Set<string>();
    for (const slot of brokerPartitions(image.topic, this.brokerId).replicas.valuesFrom(0)) {
      const row = partitionAt(image.topic, slot);
      if (row.addingReplicas.includes(this.brokerId) && this.has('takes no replica that is added')) continue;
      const name = image.topic.topics.get(row.topicId)?.name ?? '';
      held.add(name);
      this.#takePartition(image, name, row);
    }
    for (const name of this.#partitions.keys()) {
      if (!held.has(name) && !this.has('keeps the data of a deleted topic')) this.#partitions.delete(name);
    }
    this.offset = image.endOffset;
  }

  #takePartition(image: MetadataImage, name: string, row: PartitionRow): void {
    let partition = this.#partitions.get(name);
    if (partition !== undefined && partition.topicId !== row.topicId) {
      if (this.has('keeps the data of a deleted topic')) partition.become(row.topicId);
      else partition = undefined;
    }
    partition ??= new DataPartition(this, row.topicId);
    this.#partitions.set(name, partition);
    partition.take(viewOf(image, name, row, this.has('takes records below min ISR')));
  }

  async #fetch(
    partition: DataPartition,
    leader: number,
    fetchId: number,
    request: FetchRequest,
  ): Promise<void> {
    const [endPoint] = this.#image?.broker.brokers.get(leader)?.endPoints ?? [];
    if (endPoint === undefined) return;
    const { brokerId, brokerEpoch, ...place } = request;
    const body: ReplicaFetch = {
      brokerId,
      brokerEpoch,
      maxWaitMs: 200,
      maxBytes: 1_000_000,
      partitions: [{ topicId: partition.topicId, partition: 0, ...place }],
    };
    const response = await fetch(`http://${endPoint.host}:${endPoint.port}/v1/replica/fetch`, {
      method: 'POST',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(900),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const [answer] = decodeAnswer(bytes);
    if (answer === undefined || this.#isOver) return;
    const leaderEpoch = request.currentLeaderEpoch;
    const { fetchOffset } = request;
    if (answer.error !== undefined) {
      partition.fetchAnswered(fetchId, { kind: 'refused', error: 'NOT_LEADER_OR_FOLLOWER' }, Buffer.alloc(0));
    } else if (answer.divergingEpoch !== undefined) {
      partition.fetchAnswered(
        fetchId,
        { kind: 'diverging', leaderEpoch, ...answer.divergingEpoch },
        Buffer.alloc(0),
      );
    } else {
      const { highWatermark } = answer;
      const records = bytes.subarray(bytes.length - answer.bytes);
      const whole = {
        kind: 'records',
        leaderEpoch,
        fetchOffset,
        endOffset: fetchOffset,
        epochs: [],
        highWatermark,
        logStartOffset: 0,
      } as const;
      partition.fetchAnswered(fetchId, whole, records);
    }
  }

  async #propose(
    partition: DataPartition,
    { proposalId, leaderEpoch, partitionEpoch, newIsr }: Proposal,
  ): Promise<void> {
    const gives = this.has('names no broker epochs in proposals');
    const members = newIsr.map(({ brokerId, brokerEpoch }) => ({
      brokerId,
      brokerEpoch: gives ? 0 : brokerEpoch,
    }));
    const proposed = {
      topicId: partition.topicId,
      partition: 0,
      leaderEpoch,
      partitionEpoch,
      newIsr: members,
    };
    const givesUp = this.has('gives up a proposal that is refused');
    const input = { brokerId: this.brokerId, brokerEpoch: this.brokerEpoch(), partitions: [proposed] };
    try {
      const { partitions } = await this.#client.alterPartition(input, {
        timeoutMs: 1_500,
        exactlyOnce: false,
        ...(givesUp ? { attemptsMax: 1 } : {}),
      });
      const [result] = partitions;
      if (proposalId === null || result === undefined) return;
      const { code, partitionEpoch: newEpoch, isr, minInsyncReplicas: minIsr } = result;
      const accepted = {
        kind: 'accepted',
        partitionEpoch: newEpoch ?? 0,
        isr: isr ?? [],
        minIsr: minIsr ?? 1,
      } as const;
      partition.proposalAnswered(proposalId, code === null ? accepted : { kind: 'refused', code });
    } catch (error) {
      const code = error instanceof OttlaError ? error.code : null;
      if (proposalId === null || this.#isOver || (givesUp && code === 'NOT_CONTROLLER')) return;
      partition.proposalAnswered(proposalId, code === null ? { kind: 'unknown' } : { kind: 'refused', code });
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
    const body = objectOf(Buffer.concat(chunks).toString('utf8'));
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://broker');
    if (pathname === '/v1/replica/fetch') return this.#answerFollower(body as ReplicaFetch, response);
    const partition = this.#partitions.get(pathname.split('/')[3] ?? '');
    if (partition === undefined) return send(response, 404, { code: 'UNKNOWN_TOPIC_OR_PARTITION' });
    if (request.method === 'POST') return await produceTo(partition, body, searchParams, response);
    const end = partition.visibleEnd;
    if (end === null) return send(response, 409, { code: 'NOT_LEADER_OR_FOLLOWER' });
    const { highWatermark, logEndOffset, leaderEpoch } = partition.replica;
    const numbers = { highWatermark, logStartOffset: 0, logEndOffset, leaderEpoch };
    if (pathname.endsWith('/offsets')) return send(response, 200, numbers);
    const batches = partition.batchesBetween(Number(searchParams.get('offset')), end);
    const records = batches.flatMap(({ bytes }) => {
      const decoded = decodeRecordBatch(bytes);
      return decoded.ok ? decoded.value.records.map(({ offset }) => ({ offset })) : [];
    });
    send(response, 200, { records, ...numbers });
  }

  #answerFollower({ brokerId, brokerEpoch, partitions }: ReplicaFetch, response: ServerResponse): void {
    const answers: PartitionAnswer[] = [];
    const bytes: Uint8Array[] = [];
    for (const { topicId, partition, ...place } of partitions) {
      const held = [...this.#partitions.values()].find((each) => each.topicId === topicId);
      const answer = held?.answerFetch({ brokerId, brokerEpoch, ...place });
      const numbers = {
        topicId,
        partition,
        highWatermark: held?.replica.highWatermark ?? -1,
        logStartOffset: 0,
      };
      if (
        held === undefined ||
        answer === undefined ||
        answer.kind === 'refused' ||
        answer.kind === 'outOfRange'
      ) {
        answers.push({
          ...numbers,
          bytes: 0,
          error: answer?.kind === 'refused' ? answer.error : 'NOT_LEADER_OR_FOLLOWER',
        });
      } else if (answer.kind === 'diverging') {
        const { epoch, endOffset } = answer;
        answers.push({ ...numbers, bytes: 0, divergingEpoch: { epoch, endOffset } });
      } else {
        const batches = held.batchesBetween(answer.fetchOffset, answer.endOffset);
        bytes.push(...batches.map((batch) => batch.bytes));
        answers.push({ ...numbers, bytes: batches.reduce((total, batch) => total + batch.bytes.length, 0) });
      }
    }
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    response.end(encodeAnswer(answers, bytes));
  }
}

async function produceTo(
  partition: DataPartition,
  body: Readonly<Record<string, unknown>>,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const {
    records,
    producerId = -1,
    producerEpoch = -1,
    baseSequence = -1,
  } = body as {
    readonly records: readonly { readonly value: string }[];
    readonly producerId?: number;
    readonly producerEpoch?: number;
    readonly baseSequence?: number;
  };
  const bytes = encodeRecordBatch({
    records: records.map(({ value }) => ({
      timestampMs: 1,
      key: null,
      value: Buffer.from(value),
      headers: [],
    })),
    producer: { producerId, producerEpoch, baseSequence },
  });
  const whole = splitRecordBatches(bytes);
  if (!whole.ok) return send(response, 400, { code: whole.error.code });
  const acks = query.get('acks') === '1' ? '1' : 'all';
  const timeoutMs = Number(query.get('timeout_ms'));
  const produced = await new Promise<Produced>((resolve) => {
    setTimeout(() => resolve({ error: 'REQUEST_TIMED_OUT' }), timeoutMs);
    partition.produce(bytes, acks, resolve);
  });
  if ('error' in produced) send(response, 409, { code: produced.error });
  else send(response, 200, { ...produced, logStartOffset: 0, leaderEpoch: partition.replica.leaderEpoch });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function viewOf(
  image: MetadataImage,
  name: string,
  row: PartitionRow,
  ignoresMinIsr: boolean,
): PartitionView {
  const isActive = activityOf(image);
  const { leader, leaderEpoch, partitionEpoch, replicas, isr } = row;
  const active = [...image.broker.brokers.values()].filter(({ brokerId }) => isActive(brokerId));
  const eligible = new Map(active.map(({ brokerId, brokerEpoch }) => [brokerId, brokerEpoch]));
  const minIsr = ignoresMinIsr
    ? 1
    : Number(configInForce(image, { type: 'topic', name }, 'min.insync.replicas'));
  return { leader, leaderEpoch, partitionEpoch, replicas, isr, minIsr, eligible };
}
