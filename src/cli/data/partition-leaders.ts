import { Agent, request } from 'undici';
import { describeConnectionFailure, isNeverSent } from '../../client/connection-failure.ts';
import type { Client } from '../../client/create-client.ts';
import { OttlaError, OutcomeUnknownError } from '../../client/errors.ts';
import { isProblem, type Problem } from '../../client/protocol/problem.ts';
import { CliFailure } from '../failures.ts';
import { isRecord } from '../records.ts';

export type DataRequest = {
  readonly operationId: string;
  readonly partition: number;
  readonly method: 'GET' | 'POST';
  /** Behind `/v1/topics/{topic}/partitions/{partition}`. */
  readonly path: string;
  readonly body?: unknown;
};

const retryPauseMs = 100;
/** Beyond what a broker may wait before it answers. */
const attemptGraceMs = 5_000;
/** What passes by itself, or once another broker leads. */
const passing: ReadonlySet<string> = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'NOT_ENOUGH_REPLICAS',
  'REPLICA_NOT_AVAILABLE',
  'OFFSET_NOT_AVAILABLE',
  'THROTTLING_QUOTA_EXCEEDED',
  // The controllers know it, and are asked once more before a broker is: its metadata come a little later.
  'UNKNOWN_TOPIC_OR_PARTITION',
]);
/** Said of what was appended, and may be committed yet. */
const unknownOutcomes: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'REQUEST_TIMED_OUT']);

/** Asks the leaders of one topic's partitions, found by the controllers' metadata and by what brokers say. */
export class PartitionLeaders {
  readonly #client: Client;
  readonly #topic: string;
  readonly #timeoutMs: number;
  readonly #addresses = new Map<number, string>();
  readonly #agent = new Agent({ connect: { timeout: 1_000 } });

  /** For so long at most a request is tried again at whoever leads then. */
  constructor(client: Client, topic: string, timeoutMs: number) {
    this.#client = client;
    this.#topic = topic;
    this.#timeoutMs = timeoutMs;
  }

  async partitionCount(): Promise<number> {
    const { partitionCount } = await this.#client.describeTopic({ topic: this.#topic });
    return partitionCount;
  }

  /** The leader's answer. Throws what a command says of an error; of a POST that may have been carried out, that. */
  async ask(asked: DataRequest, waitMs = 0): Promise<Readonly<Record<string, unknown>>> {
    const untilMs = performance.now() + this.#timeoutMs + waitMs;
    for (;;) {
      const address = await this.#addressOf(asked.partition);
      const answer = address === null ? 'nobody leads it' : await this.#attempt(address, asked, waitMs);
      if (typeof answer === 'object' && !isProblem(answer)) return answer;
      if (typeof answer === 'object') this.#learn(asked, answer);
      else this.#addresses.delete(asked.partition);
      if (performance.now() >= untilMs) throw this.#failure(asked, answer);
      await new Promise((resolve) => setTimeout(resolve, retryPauseMs));
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** A refusal for good is thrown; whoever else leads is asked next. */
  #learn({ operationId, partition }: DataRequest, problem: Problem): void {
    if (!passing.has(problem.code)) throw new OttlaError(operationId, problem);
    const named = problem.details?.['leaderAddress'];
    if (isRecord(named))
      this.#addresses.set(partition, originOf(String(named['host']), Number(named['port'])));
    else this.#addresses.delete(partition);
  }

  /** The answer, a problem, or why there is none, in words. */
  async #attempt(
    address: string,
    { operationId, partition, method, path, body }: DataRequest,
    waitMs: number,
  ): Promise<Problem | Readonly<Record<string, unknown>> | string> {
    const topic = encodeURIComponent(this.#topic);
    try {
      const response = await request(`${address}/v1/topics/${topic}/partitions/${partition}${path}`, {
        method,
        dispatcher: this.#agent,
        signal: AbortSignal.timeout(waitMs + this.#timeoutMs + attemptGraceMs),
        ...(body === undefined
          ? {}
          : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      const answer: unknown = await response.body.json();
      if (isProblem(answer) && unknownOutcomes.has(answer.code)) {
        throw new OutcomeUnknownError(operationId, answer.detail, null);
      }
      return isRecord(answer) ? answer : 'it answered what is no answer of a broker';
    } catch (error) {
      if (error instanceof OutcomeUnknownError) throw error;
      const { reason } = describeConnectionFailure(error, false);
      if (method === 'POST' && !isNeverSent(error)) throw new OutcomeUnknownError(operationId, reason, null);
      return `${address}: ${reason}`;
    }
  }

  async #addressOf(partition: number): Promise<string | null> {
    const known = this.#addresses.get(partition);
    if (known !== undefined) return known;
    const { leader } = await this.#client.describePartition({ topic: this.#topic, partition });
    if (leader < 0) return null;
    const { listeners } = await this.#client.describeBroker({ brokerId: leader });
    const [listener] = listeners;
    if (listener === undefined) return null;
    const address = originOf(listener.host, listener.port);
    this.#addresses.set(partition, address);
    return address;
  }

  #failure({ operationId, partition }: DataRequest, answer: Problem | string): Error {
    if (typeof answer === 'object') return new OttlaError(operationId, answer);
    return new CliFailure(
      'noAnswer',
      `Nobody leads ${this.#topic} ${partition} and answers: ${answer}.`,
      `See who leads it with: ottla partition list ${this.#topic}`,
    );
  }
}

function originOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
