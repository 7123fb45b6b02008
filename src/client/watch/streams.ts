import { Pool } from 'undici';
import { assertDefined } from '../../base/assert.ts';
import { describeConnectionFailure } from '../connection-failure.ts';
import { authorizationOf, connectOptions, type ClientTls, type TokenSource } from '../exchange.ts';
import { problemContentType } from '../protocol/headers.ts';
import { isProblem, type Problem } from '../protocol/problem.ts';
import { binaryWatchContentType } from '../protocol/watch.ts';

export type OpenedStream =
  | { readonly type: 'stream'; readonly body: AsyncIterable<Uint8Array>; readonly close: () => void }
  | { readonly type: 'problem'; readonly problem: Problem }
  | { readonly type: 'lost'; readonly reason: string };

/** The client's connections for streams, beside those for calls: each is taken for as long as it is read. */
export type Streams = {
  open(endpointIndex: number, path: string, signal: AbortSignal): Promise<OpenedStream>;
  close(): Promise<void>;
};

export type StreamsOptions = {
  readonly endpoints: readonly string[];
  readonly connectTimeoutMs: number;
  /** A stream that says nothing for so long is lost: a server says something far more often. */
  readonly silenceMs: number;
  readonly tls: ClientTls | null;
  readonly token: TokenSource | null;
};

/** A problem that is longer is none of ours. */
const problemBytesMax = 64 * 1024;

export function createStreams(options: StreamsOptions): Streams {
  const { endpoints, silenceMs, tls, token, connectTimeoutMs } = options;
  const pools: (Pool | undefined)[] = endpoints.map(() => undefined);
  const poolOf = (index: number): Pool => {
    const endpoint = assertDefined(endpoints[index], `there is no endpoint ${index}`);
    const pool = pools[index] ?? new Pool(endpoint, poolOptions(connectTimeoutMs, tls, silenceMs));
    pools[index] = pool;
    return pool;
  };
  return {
    open: async (endpointIndex, path, signal) => {
      const isTls = endpoints[endpointIndex]?.startsWith('https:') ?? false;
      try {
        return await open(poolOf(endpointIndex), path, authorizationOf(token), signal);
      } catch (error) {
        return { type: 'lost', reason: describeConnectionFailure(error, isTls).reason };
      }
    },
    close: async () => {
      await Promise.all(pools.filter((pool) => pool !== undefined).map((pool) => pool.destroy()));
    },
  };
}

function poolOptions(connectTimeoutMs: number, tls: ClientTls | null, silenceMs: number): Pool.Options {
  return {
    connections: null,
    connect: connectOptions(connectTimeoutMs, tls),
    headersTimeout: silenceMs,
    bodyTimeout: silenceMs,
  };
}

async function open(
  pool: Pool,
  path: string,
  authorization: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<OpenedStream> {
  const headers = { accept: binaryWatchContentType, ...authorization };
  const response = await pool.request({ method: 'GET', path, headers, signal });
  const contentType = String(response.headers['content-type'] ?? '').split(';')[0];
  const { body, statusCode } = response;
  if (statusCode === 200 && contentType === binaryWatchContentType) {
    return { type: 'stream', body, close: () => void body.destroy() };
  }
  const text = contentType === problemContentType ? await body.text() : '';
  if (text === '') body.destroy();
  const problem = text.length <= problemBytesMax ? parse(text) : undefined;
  if (isProblem(problem)) return { type: 'problem', problem };
  const reason = `the answer with status ${statusCode} was not Ottla’s; is a proxy in between?`;
  return { type: 'lost', reason };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
