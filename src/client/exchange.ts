import { Pool, type Dispatcher } from 'undici';
import { assertDefined } from '../base/assert.ts';
import { describeConnectionFailure, isNeverSent, type FailureKind } from './connection-failure.ts';
import { headerNames, jsonContentType, problemContentType } from './protocol/headers.ts';
import { isProblem, type Problem } from './protocol/problem.ts';

/** One HTTP request as the client makes it; the path stands below the endpoint's origin. */
export type ExchangeRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | null;
};

/** Where an answer comes from, as its headers tell; null where they do not. */
export type AnswerStanding = {
  readonly nodeId: number | null;
  readonly leaderId: number | null;
  readonly offset: number | null;
  readonly epoch: number | null;
  readonly forwarded: boolean;
};

export type ExchangeResult =
  | {
      readonly type: 'answer';
      readonly status: number;
      readonly body: unknown;
      readonly standing: AnswerStanding;
    }
  | { readonly type: 'problem'; readonly problem: Problem; readonly standing: AnswerStanding }
  | { readonly type: 'unreachable'; readonly reason: string; readonly kind?: FailureKind }
  | { readonly type: 'lost'; readonly reason: string; readonly kind?: FailureKind };

/** The client's side of HTTP: pooled connections to every endpoint. */
export type Exchange = {
  send(endpointIndex: number, request: ExchangeRequest): Promise<ExchangeResult>;
  close(): Promise<void>;
};

export type ExchangeOptions = {
  readonly endpoints: readonly string[];
  readonly connectionsMax: number;
  readonly connectTimeoutMs: number;
  readonly tls: ClientTls | null;
  /** Who asks; null for nobody in particular. */
  readonly token: TokenSource | null;
};

/** A token, or what gives the one that holds now: it is asked for each request, so that a token can be replaced. */
export type TokenSource = string | (() => string);

/** PEM texts. */
export type ClientTls = {
  readonly authority?: string;
  readonly certificate?: string;
  readonly key?: string;
};

/** An answer above this is not one of ours: pages have at most 1,000 rows. */
const answerBytesMax = 64 * 1024 * 1024;

export function createExchange(options: ExchangeOptions): Exchange {
  const connect = connectOptions(options.connectTimeoutMs, options.tls);
  const pools = options.endpoints.map((endpoint) => ({
    isTls: endpoint.startsWith('https:'),
    pool: new Pool(endpoint, {
      connections: options.connectionsMax,
      connect,
      maxResponseSize: answerBytesMax,
      // The signal of each request is what ends it; these two count in steps of half a second.
      headersTimeout: 0,
      bodyTimeout: 0,
    }),
  }));
  return {
    send: (endpointIndex, request) => {
      const { pool, isTls } = assertDefined(pools[endpointIndex], `there is no endpoint ${endpointIndex}`);
      return send(pool, isTls, request, authorizationOf(options.token));
    },
    close: async () => {
      await Promise.all(pools.map(({ pool }) => pool.destroy()));
    },
  };
}

/** How connections are made, with or without TLS. */
export function connectOptions(timeoutMs: number, tls: ClientTls | null) {
  return {
    timeout: timeoutMs,
    ...(tls?.authority === undefined ? {} : { ca: tls.authority }),
    ...(tls?.certificate === undefined ? {} : { cert: tls.certificate }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
  };
}

/** What shows who asks; nothing without a token. */
export function authorizationOf(source: TokenSource | null): Readonly<Record<string, string>> {
  if (source === null) return {};
  return { authorization: `Bearer ${typeof source === 'string' ? source : source()}` };
}

async function send(
  pool: Pool,
  isTls: boolean,
  request: ExchangeRequest,
  authorization: Readonly<Record<string, string>>,
): Promise<ExchangeResult> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), request.timeoutMs);
  const stop = (): void => timeout.abort();
  request.signal?.addEventListener('abort', stop, { once: true });
  if (request.signal?.aborted === true) stop();
  try {
    const response = await pool.request({
      method: request.method,
      path: request.path,
      headers: { ...request.headers, ...authorization },
      body: request.body,
      signal: timeout.signal,
    });
    const text = await response.body.text();
    return read(response, text);
  } catch (error) {
    return timeout.signal.aborted
      ? // An aborted request may have waited for a connection or been sent; the worse of both is assumed.
        { type: 'lost', kind: 'timedOut', reason: `no answer came within ${request.timeoutMs} ms` }
      : failure(error, isTls);
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', stop);
  }
}

function read(response: Dispatcher.ResponseData, text: string): ExchangeResult {
  const { statusCode: status, headers } = response;
  const standing = readStanding(headers);
  if (status === 204) return { type: 'answer', status, body: {}, standing };
  const contentType = headerText(headers, 'content-type').split(';')[0]?.trim();
  const body = parse(text);
  if (contentType === problemContentType && isProblem(body))
    return { type: 'problem', problem: body, standing };
  // By its type and not by its status: /readyz answers 503 in its ordinary form.
  const isOurs = contentType === jsonContentType && body !== undefined && standing.epoch !== null;
  if (isOurs) return { type: 'answer', status, body, standing };
  return { type: 'lost', reason: `the answer with status ${status} was not Ottla’s; is a proxy in between?` };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Headers = Dispatcher.ResponseData['headers'];

function readStanding(headers: Headers): AnswerStanding {
  return {
    nodeId: headerInteger(headers, headerNames.node),
    leaderId: headerInteger(headers, headerNames.leader),
    offset: headerInteger(headers, headerNames.offset),
    epoch: headerInteger(headers, headerNames.epoch),
    forwarded: headerText(headers, headerNames.forwarded) === 'true',
  };
}

function headerText(headers: Headers, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

function headerInteger(headers: Headers, name: string): number | null {
  const text = headerText(headers, name);
  const value = /^\d{1,16}$/.test(text) ? Number(text) : null;
  return Number.isSafeInteger(value) ? value : null;
}

function failure(error: unknown, isTls: boolean): ExchangeResult {
  const described = describeConnectionFailure(error, isTls);
  return { type: isNeverSent(error) ? 'unreachable' : 'lost', ...described };
}
