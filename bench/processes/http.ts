import { Agent, request, type Dispatcher } from 'undici';

/** What came back for one HTTP request. */
export type HttpAnswer = {
  readonly type: 'answer';
  readonly status: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed JSON; undefined where there is none. */
  readonly body: unknown;
  readonly text: string;
};

export type HttpOutcome =
  | HttpAnswer
  /** Nothing was sent: nobody listens there. */
  | { readonly type: 'unreachable'; readonly reason: string }
  /** It was sent, and whether it was carried out cannot be known. */
  | { readonly type: 'lost'; readonly reason: string };

export type HttpOptions = {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly rawBody?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
};

const timeoutDefaultMs = 15_000;

/** Plain HTTP, on purpose without the client under test. */
export class Http {
  readonly #agent: Agent;

  constructor(connectionsMax = 1_024) {
    this.#agent = new Agent({
      connections: connectionsMax,
      connect: { timeout: 2_000 },
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async send(method: Dispatcher.HttpMethod, url: string, options: HttpOptions = {}): Promise<HttpOutcome> {
    const { rawBody, body, timeoutMs = timeoutDefaultMs } = options;
    const content = rawBody ?? (body === undefined ? null : JSON.stringify(body));
    try {
      const response = await request(url, {
        method,
        dispatcher: this.#agent,
        body: content,
        headers: {
          ...(content === null ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
        signal: AbortSignal.timeout(timeoutMs),
      });
      return read(response, await response.body.text());
    } catch (error) {
      return failure(error);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function read(response: Dispatcher.ResponseData, text: string): HttpAnswer {
  const { statusCode: status, headers } = response;
  const contentType = String(headers['content-type'] ?? '').split(';')[0] ?? '';
  return { type: 'answer', status, contentType, headers, body: parse(text), text };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const nothingSentCodes: ReadonlySet<string> = new Set(['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT']);

function failure(error: unknown): HttpOutcome {
  if (!(error instanceof Error)) return { type: 'lost', reason: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const type = nothingSentCodes.has(code) ? 'unreachable' : 'lost';
  return { type, reason: `${code}: ${error.message}` };
}

/** A number that an answer's header holds; null when it holds none. */
export function headerNumber(answer: HttpAnswer, name: string): number | null {
  const value = answer.headers[name];
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : null;
}

/** A field of an answer's body, or of a value in it; undefined where there is none. */
export function field(value: unknown, ...path: readonly (string | number)[]): unknown {
  let current = value;
  for (const name of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    // The border to JSON: every value below is looked at before it is used.
    current = (current as Readonly<Record<string | number, unknown>>)[name];
  }
  return current;
}

export function numberField(value: unknown, ...path: readonly (string | number)[]): number {
  const found = field(value, ...path);
  if (typeof found === 'number') return found;
  throw new Error(`${path.join('.')} is no number in ${JSON.stringify(value)}`);
}

export function listField(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = field(value, ...path);
  if (Array.isArray(found)) return found;
  throw new Error(`${path.join('.')} is no list in ${JSON.stringify(value)}`);
}
