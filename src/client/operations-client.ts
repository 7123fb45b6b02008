import { randomInt } from 'node:crypto';
import { Value } from 'typebox/value';
import { Compile, type Validator } from 'typebox/compile';
import { assert, assertDefined } from '../base/assert.ts';
import { type Random, seededRandom } from '../base/random.ts';
import { registryOf } from '../metadata/registry.ts';
import type { ResourceKind } from '../metadata/resources/custom/kind.ts';
import type { Clock } from '../ports/clock.ts';
import { Batcher } from './batcher.ts';
import { Caller, type Call, type CallAnswer } from './caller.ts';
import type { Backoff } from './core/backoff.ts';
import type { Repeat } from './core/call-core.ts';
import { Endpoints } from './core/endpoints.ts';
import { UnexpectedAnswerError } from './errors.ts';
import { createExchange, type ClientTls, type Exchange, type TokenSource } from './exchange.ts';
import { fillPath, placeInput, planFields, type FieldPlan, type PlacedInput } from './input.ts';
import type { OperationDescription, OperationDescriptions } from './protocol/description.ts';
import { apiPrefix, commonQueryNames, headerNames } from './protocol/headers.ts';
import { nodeClock } from './node-clock.ts';
import { type Outcome, toOutcome } from './outcome.ts';
import { SessionKeys } from './sessions.ts';
import type { Answer, CallOptions, InputOf, OperationMethods, ResponseOf } from './typed.ts';
import { followImage, type LocalImage } from './watch/local-image.ts';
import { createStreams, type Streams } from './watch/streams.ts';
import { watch, type WatchEvent, type WatchOptions } from './watch/watch.ts';

export type ClientOptions = {
  /** Origins of controllers, `http://127.0.0.1:9644`: any of them will do, all of them are better. */
  readonly endpoints: readonly string[];
  /** How long a call may take, all attempts together, when it does not say. */
  readonly timeoutMs?: number;
  /** How long one attempt may take before another endpoint is tried. */
  readonly attemptTimeoutMs?: number;
  /**
   * Once every endpoint has refused the connection for so long, a call gives up before its time is over; when
   * absent it tries on, since controllers that start again are back in a moment.
   */
  readonly refusedMaxMs?: number;
  /** Connections to each endpoint. */
  readonly connectionsMax?: number;
  /** Writes under way at once; more wait for their turn. */
  readonly outstandingWritesMax?: number;
  readonly tls?: ClientTls;
  /** The token by which the cluster knows who asks, or what gives it anew for each request. */
  readonly token?: TokenSource;
};

/** What the cluster's operations are, and which of them opens a session. */
export type OperationsBinding<Operations extends OperationDescriptions> = {
  readonly operations: Operations;
  /** Operations below their own path instead of `/v1`. */
  readonly probes: ReadonlySet<string>;
  readonly openSession: {
    readonly operationId: string & keyof Operations;
    readonly input: Readonly<Record<string, unknown>>;
    readonly sessionIdOf: (response: unknown) => number | null;
  } | null;
  /** Sequences that the server remembers in one session. */
  readonly sessionWindow: number;
};

export type OperationsClient<Operations extends OperationDescriptions> = OperationMethods<Operations> & {
  /** Like the method of that name, with where the answer comes from. */
  call<Id extends string & keyof Operations>(
    operationId: Id,
    input: InputOf<Operations[Id]>,
    options?: CallOptions,
  ): Promise<Answer<ResponseOf<Operations[Id]>>>;
  /** Like `call`, with the errors that a call can end in as values: what became of it is one of four. */
  outcome<Id extends string & keyof Operations>(
    operationId: Id,
    input: InputOf<Operations[Id]>,
    options?: CallOptions,
  ): Promise<Outcome<ResponseOf<Operations[Id]>>>;
  /**
   * The state and then every committed batch, or with `since` the batches alone, for as long as it is read. A
   * stream that breaks off goes on by itself, on any node.
   */
  watch(options?: WatchOptions): AsyncIterable<WatchEvent>;
  /** A copy of the metadata in this process that follows the cluster; resolves when it is whole. */
  localImage(options?: LocalImageOptions): Promise<LocalImage>;
  /** The highest committed offset that any answer has shown this client. */
  readonly offset: number;
  readonly endpoints: readonly string[];
  /** Ends every call that is under way. */
  close(): Promise<void>;
  /** As `close`: `await using client = createClient(…)`. */
  [Symbol.asyncDispose](): Promise<void>;
};

/** `resources` are kinds of the user's own that the copy is to hold; it holds no others. */
export type LocalImageOptions = Pick<WatchOptions, 'kinds' | 'signal'> & {
  readonly resources?: readonly ResourceKind[];
};

/** What a client needs of the world; its connections are its own, and closed with it. */
export type ClientPorts = {
  readonly exchange: Exchange;
  readonly streams: Streams;
  readonly clock: Clock;
  readonly random: Random;
};

const defaults = {
  timeoutMs: 10_000,
  attemptTimeoutMs: 2_000,
  connectionsMax: 128,
  outstandingWritesMax: 512,
  waitingWritesMax: 100_000,
  connectTimeoutMs: 1_000,
  /** Of a stream: a node says something every five seconds. */
  silenceMs: 20_000,
} as const;

const retryBackoff: Backoff = { baseMs: 20, maxMs: 1_000 };

type Prepared = {
  readonly operation: OperationDescription;
  readonly plan: FieldPlan;
  readonly response: Validator;
};

/** A client for any set of operations; `createClient` binds it to those of Ottla. */
export function createOperationsClient<Operations extends OperationDescriptions>(
  binding: OperationsBinding<Operations>,
  options: ClientOptions,
  ports: ClientPorts = realPorts(options),
): OperationsClient<Operations> {
  const core = new ClientCore(binding, options, ports);
  const methods: Record<string, unknown> = {};
  for (const operationId of Object.keys(binding.operations)) {
    methods[operationId] = async (
      input: Readonly<Record<string, unknown>> = {},
      callOptions: CallOptions = {},
    ): Promise<unknown> => (await core.call(operationId, input, callOptions)).response;
  }
  const fixed = {
    call: (operationId: string, input: Readonly<Record<string, unknown>>, callOptions: CallOptions = {}) =>
      core.call(operationId, input, callOptions),
    outcome: (operationId: string, input: Readonly<Record<string, unknown>>, callOptions: CallOptions = {}) =>
      toOutcome(core.call(operationId, input, callOptions)),
    watch: (watchOptions: WatchOptions = {}) => core.watch(watchOptions),
    localImage: ({ signal, resources = [], ...watchOptions }: LocalImageOptions = {}) =>
      followImage((both) => core.watch({ ...watchOptions, signal: both }), signal, registryOf(resources)),
    endpoints: options.endpoints,
    close: () => core.close(),
    [Symbol.asyncDispose]: () => core.close(),
  };
  const client = Object.defineProperty({ ...methods, ...fixed }, 'offset', { get: () => core.offset });
  // The border between the definitions, which are data, and the types that are derived from them.
  return client as unknown as OperationsClient<Operations>;
}

class ClientCore<Operations extends OperationDescriptions> {
  readonly #binding: OperationsBinding<Operations>;
  readonly #options: ClientOptions;
  readonly #exchange: Exchange;
  readonly #streams: Streams;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #caller: Caller;
  readonly #keys: SessionKeys | null;
  readonly #prepared = new Map<string, Prepared>();
  #offset = 0;

  constructor(binding: OperationsBinding<Operations>, options: ClientOptions, ports: ClientPorts) {
    const endpoints = options.endpoints.map(checkEndpoint);
    assert(endpoints.length > 0, 'a client needs at least one endpoint');
    const { exchange, streams, clock, random } = ports;
    this.#exchange = exchange;
    this.#streams = streams;
    this.#clock = clock;
    this.#random = random;
    this.#binding = binding;
    this.#options = options;
    this.#caller = new Caller({
      endpoints,
      chooser: new Endpoints(endpoints.length, random.integer(endpoints.length)),
      exchange,
      batcher: new Batcher({ exchange, endpointCount: endpoints.length, clock }),
      backoff: retryBackoff,
      attemptTimeoutMs: options.attemptTimeoutMs ?? defaults.attemptTimeoutMs,
      refusedMaxMs: options.refusedMaxMs ?? Number.POSITIVE_INFINITY,
      random,
      clock,
    });
    this.#keys = this.#createKeys();
  }

  get offset(): number {
    return this.#offset;
  }

  async call(
    operationId: string,
    input: Readonly<Record<string, unknown>>,
    options: CallOptions,
  ): Promise<Answer<unknown>> {
    const prepared = this.#prepare(operationId);
    return await this.#send(prepared, input, options, this.#repeatOf(prepared.operation, options));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#exchange.close(), this.#streams.close()]);
  }

  watch(options: WatchOptions): AsyncIterable<WatchEvent> {
    const { signal } = this.#closing;
    const both = options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]);
    return watch(
      { ...options, signal: both },
      {
        streams: this.#streams,
        endpointCount: this.#options.endpoints.length,
        backoff: retryBackoff,
        random: this.#random,
        clock: this.#clock,
        onOffset: (offset) => {
          this.#offset = Math.max(this.#offset, offset);
        },
      },
    );
  }

  #repeatOf({ kind }: OperationDescription, { exactlyOnce, validateOnly }: CallOptions): Repeat {
    if (validateOnly === true) return 'harmless';
    // Nothing is remembered of it, so that a second attempt could find what the first has done.
    if (kind === 'direct') return 'never';
    if (kind !== 'write') return 'harmless';
    return this.#keys !== null && exactlyOnce !== false ? 'keyed' : 'never';
  }

  async #send(
    prepared: Prepared,
    input: Readonly<Record<string, unknown>>,
    options: CallOptions,
    repeat: Repeat,
  ): Promise<Answer<unknown>> {
    const call = this.#toCall(prepared, input, options, repeat);
    const answer = await this.#caller.call(call, repeat === 'keyed' ? this.#keys : null);
    const { standing } = answer;
    this.#offset = Math.max(this.#offset, standing.offset ?? 0);
    return {
      response: checkResponse(prepared, answer),
      offset: standing.offset ?? 0,
      epoch: standing.epoch ?? 0,
      leaderId: standing.leaderId,
      forwarded: standing.forwarded,
      attempts: answer.attempts,
    };
  }

  #toCall(
    { operation, plan }: Prepared,
    input: Readonly<Record<string, unknown>>,
    options: CallOptions,
    repeat: Repeat,
  ): Call {
    const placed = placeInput(operation, plan, input);
    const common: Record<string, string> = {};
    if (options.consistency !== undefined) common[commonQueryNames.consistency] = options.consistency;
    if (options.atOffset !== undefined) common[commonQueryNames.atOffset] = String(options.atOffset);
    // A stale read is answered by any node, and yet never from before what this client has seen.
    else if (options.consistency === 'stale') common[commonQueryNames.minOffset] = String(this.#offset);
    if (options.validateOnly === true) common[commonQueryNames.validateOnly] = 'true';
    const isProbe = this.#binding.probes.has(operation.operationId);
    return {
      operationId: operation.operationId,
      repeat,
      method: operation.method,
      path: () => (isProbe ? '' : apiPrefix) + fillPath(operation, placed.params),
      query: { ...placed.query, ...common },
      body: placed.body,
      headers: options.ifMatch === undefined ? {} : { [headerNames.ifMatch]: `"${options.ifMatch}"` },
      // Writes travel together; a heartbeat shall not wait behind them, and a page of rows not before them.
      entry: operation.kind === 'write' ? entryOf(operation, placed, options) : null,
      timeoutMs: options.timeoutMs ?? this.#options.timeoutMs ?? defaults.timeoutMs,
      attemptsMax: options.attemptsMax ?? Number.MAX_SAFE_INTEGER,
      signal: options.signal ?? null,
    };
  }

  /** Compiled at first use: a program that calls three operations pays for three. */
  #prepare(operationId: string): Prepared {
    const known = this.#prepared.get(operationId);
    if (known !== undefined) return known;
    const operation = assertDefined(this.#binding.operations[operationId], `no operation ${operationId}`);
    const prepared: Prepared = {
      operation,
      plan: planFields(operation),
      response: Compile(operation.response),
    };
    this.#prepared.set(operationId, prepared);
    return prepared;
  }

  #createKeys(): SessionKeys | null {
    const { openSession, sessionWindow } = this.#binding;
    if (openSession === null) return null;
    return new SessionKeys({
      open: async (timeoutMs) => {
        const prepared = this.#prepare(openSession.operationId);
        // A session that was opened and never heard of expires by itself: opening twice harms nothing.
        const { response } = await this.#send(prepared, openSession.input, { timeoutMs }, 'harmless');
        const sessionId = openSession.sessionIdOf(response);
        if (sessionId !== null) return sessionId;
        throw new UnexpectedAnswerError(openSession.operationId, 'it names no session');
      },
      windowMax: sessionWindow,
      outstandingMax: Math.min(
        this.#options.outstandingWritesMax ?? defaults.outstandingWritesMax,
        sessionWindow,
      ),
      waitingMax: defaults.waitingWritesMax,
      openTimeoutMs: this.#options.timeoutMs ?? defaults.timeoutMs,
      clock: this.#clock,
    });
  }
}

function realPorts(options: ClientOptions): ClientPorts {
  const connections = {
    endpoints: options.endpoints.map(checkEndpoint),
    connectTimeoutMs: defaults.connectTimeoutMs,
    tls: options.tls ?? null,
    token: options.token ?? null,
  };
  const connectionsMax = options.connectionsMax ?? defaults.connectionsMax;
  return {
    exchange: createExchange({ ...connections, connectionsMax }),
    streams: createStreams({ ...connections, silenceMs: defaults.silenceMs }),
    clock: nodeClock,
    random: seededRandom(randomInt(2 ** 32)),
  };
}

/** What stands of the call in a batch, but for the key and the time, which belong to the attempt. */
function entryOf(operation: OperationDescription, placed: PlacedInput, options: CallOptions): string {
  const { params, query, body } = placed;
  let text = `"operationId":${JSON.stringify(operation.operationId)}`;
  if (hasFields(params)) text += `,"params":${JSON.stringify(params)}`;
  if (hasFields(query)) text += `,"query":${JSON.stringify(query)}`;
  if (body !== null) text += `,"body":${body}`;
  if (options.ifMatch !== undefined) text += `,"ifMatch":${JSON.stringify(options.ifMatch)}`;
  if (options.consistency !== undefined) text += `,"consistency":"${options.consistency}"`;
  if (options.validateOnly === true) text += ',"validateOnly":true';
  return text;
}

function hasFields(fields: Readonly<Record<string, unknown>>): boolean {
  for (const name in fields) if (Object.hasOwn(fields, name)) return true;
  return false;
}

/** A newer server may say more than this client knows: unknown fields are dropped, missing ones refused. */
function checkResponse(prepared: Prepared, answer: CallAnswer): unknown {
  const { operation, response } = prepared;
  if (response.Check(answer.body)) return answer.body;
  const known = Value.Clean(operation.response, answer.body);
  if (response.Check(known)) return known;
  const violation = response.Errors(known)[0];
  const complaint =
    violation === undefined ? 'it does not fit' : `${violation.instancePath} ${violation.message}`;
  throw new UnexpectedAnswerError(operation.operationId, complaint);
}

function checkEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOrigin =
    url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.pathname === '/';
  if (isOrigin) return url.origin;
  throw new TypeError(`${text} is not an endpoint; it should look like http://127.0.0.1:9644.`);
}
