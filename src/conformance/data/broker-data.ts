import { Pool } from 'undici';
import { objectOf } from '../gateway/seen-request.ts';
import { decodeAnswer, type PartitionAnswer, type ReplicaFetch } from './wire.ts';

/** What came of a request to the broker; `sentAtMs` is before it could have left. */
export type BrokerAnswer = {
  readonly sentAtMs: number;
  readonly answeredAtMs: number;
  /** 0: there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly body: Readonly<Record<string, unknown>>;
};

export type Produce = {
  readonly acks: 'all' | '1';
  readonly timeoutMs: number;
  readonly values: readonly string[];
  readonly producer?: {
    readonly producerId: number;
    readonly producerEpoch: number;
    readonly baseSequence: number;
  };
};

/** Longer than what a request allows the broker. */
const graceMs = 2_000;

/** Asks the broker as its producers, consumers and followers do. */
export class BrokerData {
  readonly url: string;
  readonly #pool: Pool;

  constructor(url: string) {
    this.url = url;
    this.#pool = new Pool(url, { connections: 32 });
  }

  produce(topic: string, { acks, timeoutMs, values, producer }: Produce): Promise<BrokerAnswer> {
    const path = `${pathOf(topic)}/records?acks=${acks}&timeout_ms=${timeoutMs}`;
    const records = values.map((value) => ({ value }));
    return this.#ask('POST', path, { records, ...producer }, timeoutMs);
  }

  /** Records that a consumer is shown from an offset on; status 200 where it is shown anything. */
  read(topic: string, offset: number): Promise<BrokerAnswer> {
    return this.#ask('GET', `${pathOf(topic)}/records?offset=${offset}&max_wait_ms=0`, null, 0);
  }

  offsets(topic: string): Promise<BrokerAnswer> {
    return this.#ask('GET', `${pathOf(topic)}/offsets`, null, 0);
  }

  /** The answer for the one partition that is asked for; an error of the whole request stands for it, too. */
  async fetch(
    request: ReplicaFetch,
  ): Promise<{ readonly answer: PartitionAnswer | null; readonly error: string }> {
    try {
      const response = await this.#pool.request({
        method: 'POST',
        path: '/v1/replica/fetch',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
        headersTimeout: request.maxWaitMs + graceMs,
      });
      const bytes = Buffer.from(await response.body.arrayBuffer());
      if (response.statusCode !== 200)
        return { answer: null, error: codeOf(objectOf(bytes.toString('utf8'))) };
      const [answer = null] = decodeAnswer(bytes);
      return { answer, error: String(answer?.error ?? '') };
    } catch (error) {
      return { answer: null, error: `no answer (${String(error)})` };
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #ask(method: 'GET' | 'POST', path: string, body: unknown, waitMs: number): Promise<BrokerAnswer> {
    const sentAtMs = performance.now();
    try {
      const response = await this.#pool.request({
        method,
        path,
        headers: {
          accept: 'application/json',
          ...(body === null ? {} : { 'content-type': 'application/json' }),
        },
        body: body === null ? null : JSON.stringify(body),
        headersTimeout: waitMs + graceMs,
      });
      const answer = objectOf(await response.body.text());
      const answeredAtMs = performance.now();
      return { sentAtMs, answeredAtMs, status: response.statusCode, code: codeOf(answer), body: answer };
    } catch {
      return { sentAtMs, answeredAtMs: performance.now(), status: 0, code: 'no answer', body: {} };
    }
  }
}

function pathOf(topic: string): string {
  return `/v1/topics/${encodeURIComponent(topic)}/partitions/0`;
}

/** Errors are problems, as the controllers’, or an object that is called error. */
function codeOf(body: Readonly<Record<string, unknown>>): string {
  const { code, error } = body as { readonly code?: string; readonly error?: { readonly code?: string } };
  return code ?? error?.code ?? '';
}

export function isAcknowledged({ status }: BrokerAnswer): boolean {
  return status === 200;
}

export function shownRecords({ status, body }: BrokerAnswer): number {
  const { records } = body as { readonly records?: unknown };
  return status === 200 && Array.isArray(records) ? records.length : 0;
}
