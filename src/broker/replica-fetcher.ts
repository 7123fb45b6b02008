import { Agent, request } from 'undici';
import { splitRecordBatches, type PlacedRecordBatch } from '../codec/record-batch/batches.ts';
import { recordBatchEndOffset } from '../codec/record-batch/header.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { FetchAnswer, FetchError } from '../replica/types.ts';
import { epochsOf, findGap } from './batch-facts.ts';
import type { BrokerAddress } from './broker-core.ts';
import {
  decodeReplicaAnswer,
  outOfRange,
  partitionsPerFetchMax,
  type ReadAnswerPart,
} from './fetch-message.ts';
import type { WantedFetch } from './partition.ts';

export type ReplicaFetchersOptions = {
  /** By the newest metadata. */
  readonly addressOf: (brokerId: number) => BrokerAddress | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly waitMaxMs: number;
  readonly timeoutMs: number;
  readonly bytesMax: number;
};

/** An answer above this is no leader's: one batch may exceed what was asked for, and has 16 MiB at most. */
const answerBytesMax = 67_108_864;
/** One that waits for news at the leader, and the next one, which ends its waiting. */
const requestsMax = 2;

/** The follower's side of replication: one loop for each broker that leads something that this one follows. */
export class ReplicaFetchers {
  readonly #options: ReplicaFetchersOptions;
  readonly #loops = new Map<number, FetchLoop>();
  readonly #agent = new Agent({
    connections: requestsMax,
    connect: { timeout: 1_000 },
    maxResponseSize: answerBytesMax,
  });

  constructor(options: ReplicaFetchersOptions) {
    this.#options = options;
  }

  want(leader: number, fetch: WantedFetch): void {
    let loop = this.#loops.get(leader);
    if (loop === undefined) {
      loop = new FetchLoop(leader, this.#options, this.#agent);
      this.#loops.set(leader, loop);
    }
    loop.want(fetch);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

class FetchLoop {
  readonly #leader: number;
  readonly #options: ReplicaFetchersOptions;
  readonly #agent: Agent;
  /** In the order in which they came to be wanted, so that each gets its turn. */
  readonly #wanted = new Map<string, WantedFetch>();
  #requests = 0;
  #isSendDue = false;
  #failure: string | null = null;

  constructor(leader: number, options: ReplicaFetchersOptions, agent: Agent) {
    this.#leader = leader;
    this.#options = options;
    this.#agent = agent;
  }

  want(fetch: WantedFetch): void {
    this.#wanted.delete(fetch.partition.key);
    this.#wanted.set(fetch.partition.key, fetch);
    this.#sendSoon();
  }

  /** In a later turn, so that partitions that are due together travel together. */
  #sendSoon(): void {
    if (this.#isSendDue || this.#requests >= requestsMax || this.#wanted.size === 0) return;
    this.#isSendDue = true;
    this.#options.clock.afterPendingEvents(() => {
      this.#isSendDue = false;
      if (this.#requests < requestsMax) void this.#send();
    });
  }

  async #send(): Promise<void> {
    const fetches = [...this.#wanted.values()].slice(0, partitionsPerFetchMax);
    const [first] = fetches;
    if (first === undefined) return;
    for (const { partition } of fetches) this.#wanted.delete(partition.key);
    // What was wanted under an earlier registration is asked for anew by its replica.
    const { brokerId, brokerEpoch } = first.request;
    const current = fetches.filter(({ request: asked }) => asked.brokerEpoch === brokerEpoch);
    for (const fetch of fetches) if (!current.includes(fetch)) this.#wanted.set(fetch.partition.key, fetch);
    this.#requests++;
    const failure = await this.#exchange(current, brokerId, brokerEpoch);
    this.#requests--;
    this.#note(failure);
    this.#sendSoon();
  }

  /** A reason where there was no answer that counts. */
  async #exchange(
    fetches: readonly WantedFetch[],
    brokerId: number,
    brokerEpoch: number,
  ): Promise<string | null> {
    const answered = await this.#ask(bodyOf(fetches, { brokerId, brokerEpoch, ...this.#limits }));
    const parts = typeof answered === 'string' ? answered : decodeReplicaAnswer(answered);
    if (typeof parts === 'string' || !parts.ok) {
      for (const { partition, fetchId } of fetches) partition.fetchAnswered(fetchId, unanswered, []);
      return typeof parts === 'string' ? parts : parts.ok ? null : parts.error;
    }
    let failure: string | null = null;
    for (const [at, fetch] of fetches.entries()) {
      const taken = take(fetch, parts.value[at]);
      failure ??= taken;
    }
    return failure;
  }

  get #limits(): { readonly maxWaitMs: number; readonly maxBytes: number } {
    return { maxWaitMs: this.#options.waitMaxMs, maxBytes: this.#options.bytesMax };
  }

  async #ask(body: string): Promise<Buffer | string> {
    const address = this.#options.addressOf(this.#leader);
    if (address === null) return 'it is not registered';
    try {
      const response = await request(`${originOf(address)}/v1/replica/fetch`, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(this.#options.timeoutMs),
      });
      const answer = Buffer.from(await response.body.arrayBuffer());
      return response.statusCode === 200 ? answer : `it answered ${response.statusCode}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Said once for each change. */
  #note(failure: string | null): void {
    if ((failure === null) === (this.#failure === null)) return;
    this.#failure = failure;
    const { logger } = this.#options;
    if (failure === null) logger.info('fetches-from-leader', { leader: this.#leader });
    else logger.warn('cannot-fetch-from-leader', { leader: this.#leader, reason: failure });
  }
}

export function originOf({ host, port }: Pick<BrokerAddress, 'host' | 'port'>): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function bodyOf(fetches: readonly WantedFetch[], fields: Readonly<Record<string, number>>): string {
  const partitions = fetches.map(({ partition: { topicId, partition }, request: asked }) => {
    const { currentLeaderEpoch, fetchOffset, flushedOffset, lastFetchedEpoch } = asked;
    return { topicId, partition, currentLeaderEpoch, fetchOffset, flushedOffset, lastFetchedEpoch };
  });
  return JSON.stringify({ ...fields, partitions });
}

const unanswered: FetchAnswer = { kind: 'refused', error: 'REPLICA_NOT_AVAILABLE' };

/** Gives a replica its part of an answer; a reason where it is no leader's. */
function take(
  { partition, fetchId, request: asked }: WantedFetch,
  part: ReadAnswerPart | undefined,
): string | null {
  const isSame = part?.answer.topicId === partition.topicId && part.answer.partition === partition.partition;
  const read = part !== undefined && isSame ? answerOf(asked, part) : 'the answer names other partitions';
  if (typeof read === 'string') {
    partition.fetchAnswered(fetchId, unanswered, []);
    return read;
  }
  partition.fetchAnswered(fetchId, read.answer, read.batches);
  return null;
}

function answerOf(
  asked: WantedFetch['request'],
  { answer, bytes }: ReadAnswerPart,
): { readonly answer: FetchAnswer; readonly batches: readonly PlacedRecordBatch[] } | string {
  const { currentLeaderEpoch: leaderEpoch, fetchOffset, lastFetchedEpoch: lastEpoch } = asked;
  const { logStartOffset } = answer;
  if (answer.error === outOfRange && logStartOffset >= 0) {
    const epochBefore = answer.logStartEpoch ?? -1;
    return { answer: { kind: 'outOfRange', leaderEpoch, logStartOffset, epochBefore }, batches: [] };
  }
  if (answer.error !== undefined) {
    // Whatever the leader calls it: the replica waits a while and asks again, or hears of another leader.
    return { answer: { kind: 'refused', error: answer.error as FetchError }, batches: [] };
  }
  if (answer.divergingEpoch !== undefined) {
    return { answer: { kind: 'diverging', leaderEpoch, ...answer.divergingEpoch }, batches: [] };
  }
  const split = splitRecordBatches(bytes);
  if (!split.ok) return split.error.message;
  const headers = split.value.map(({ header }) => header);
  const gap = findGap(headers, { fetchOffset, lastEpoch, leaderEpoch });
  if (gap !== null) return gap;
  const last = headers.at(-1);
  const endOffset = last === undefined ? fetchOffset : recordBatchEndOffset(last);
  const { highWatermark } = answer;
  const epochs = epochsOf(headers);
  const numbers = { leaderEpoch, fetchOffset, endOffset, highWatermark, logStartOffset };
  return { answer: { kind: 'records', ...numbers, epochs }, batches: split.value };
}
