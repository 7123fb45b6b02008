import { assert, assertDefined, assertNever } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import type { Clock } from '../ports/clock.ts';
import type { IdempotencyKey } from '../ports/transport.ts';
import { CallCore, type AttemptOutcome, type CallDecision, type Repeat } from './core/call-core.ts';
import type { Batcher } from './batcher.ts';
import { wait } from './wait.ts';
import type { Backoff } from './core/backoff.ts';
import type { Endpoints } from './core/endpoints.ts';
import type { Slot } from './core/session-core.ts';
import type { ConnectionFailure } from './connection-failure.ts';
import { NoAnswerError, OttlaError, OutcomeUnknownError } from './errors.ts';
import type { Exchange, ExchangeRequest, ExchangeResult } from './exchange.ts';
import { formatIdempotencyKey } from './protocol/idempotency-key.ts';
import { probeOperations } from './protocol/node-operations.ts';
import { commonQueryNames, headerNames, jsonContentType } from './protocol/headers.ts';

/** One call, ready to be sent as often as it takes. */
export type Call = {
  readonly operationId: string;
  readonly repeat: Repeat;
  readonly method: string;
  readonly path: () => string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** The fields of its entry in a batch as JSON, without the outer braces; null when it travels alone. */
  readonly entry: string | null;
  readonly timeoutMs: number;
  readonly attemptsMax: number;
  readonly signal: AbortSignal | null;
};

/** Where keys come from for calls that stand under one. */
export type KeySource = {
  acquire(deadlineMs: number, signal: AbortSignal | null): Promise<Slot>;
  keyFor(slot: Slot): IdempotencyKey;
  release(slot: Slot): void;
  lost(sessionId: number): void;
};

export type CallerOptions = {
  readonly endpoints: readonly string[];
  readonly chooser: Endpoints;
  readonly exchange: Exchange;
  readonly batcher: Batcher;
  readonly backoff: Backoff;
  /** How long one attempt may take before another endpoint is tried. */
  readonly attemptTimeoutMs: number;
  /** How long all endpoints may refuse the connection before a call gives up. */
  readonly refusedMaxMs: number;
  readonly random: Random;
  readonly clock: Clock;
};

export type CallAnswer = Extract<ExchangeResult, { readonly type: 'answer' }> & { readonly attempts: number };

/** What a call holds while it lasts. */
type CallProgress = {
  slot: Slot | null;
  /** What came of the last attempt at each endpoint, by its index. */
  readonly failures: Map<number, ConnectionFailure>;
};

const abandonedReason = 'it was abandoned by its caller';

/** The server is given the attempt's time; its own last word needs a little longer to arrive. */
const answerTravelMs = 500;

const lookTimeoutMs = 1_000;

const livenessRequest = {
  method: probeOperations.getLiveness.method,
  path: probeOperations.getLiveness.path,
  headers: {},
  body: null,
} as const;

/** Carries calls out: the decisions are `CallCore`'s, the waiting and sending are here. */
export class Caller {
  readonly #options: CallerOptions;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /**
   * `keys` is there exactly for calls that are repeated under a key.
   * Rejects with OttlaError, OutcomeUnknownError, NoAnswerError, or with the reason of the caller's signal.
   */
  async call(call: Call, keys: KeySource | null): Promise<CallAnswer> {
    const { clock, backoff, random, chooser, refusedMaxMs } = this.#options;
    assert((keys !== null) === (call.repeat === 'keyed'), 'keys belong to keyed calls and to no others');
    const deadlineMs = clock.monotonicMs() + call.timeoutMs;
    const slot = keys === null ? null : await acquireIfAllowed(keys, deadlineMs, call.signal);
    if (keys !== null && slot === null) {
      return await this.call({ ...call, repeat: 'never', timeoutMs: leftMs(clock, deadlineMs) }, null);
    }
    const core = new CallCore<CallAnswer>({
      repeat: call.repeat,
      endpointCount: chooser.count,
      deadlineMs,
      attemptsMax: call.attemptsMax,
      refusedMaxMs,
      backoff,
      random,
    });
    const progress: CallProgress = { slot, failures: new Map() };
    try {
      return await this.#run(call, core, keys, progress, deadlineMs);
    } finally {
      if (progress.slot !== null) keys?.release(progress.slot);
    }
  }

  async #run(
    call: Call,
    core: CallCore<CallAnswer>,
    keys: KeySource | null,
    progress: CallProgress,
    deadlineMs: number,
  ): Promise<CallAnswer> {
    const { clock } = this.#options;
    for (let attempts = 1; ; attempts++) {
      const key =
        progress.slot === null ? null : assertDefined(keys, 'a slot has its source').keyFor(progress.slot);
      const { index, outcome } = await this.#attempt(call, key, deadlineMs, attempts);
      note(progress.failures, index, outcome);
      // An abort ends the attempt as lost; whatever else came of it is what it says.
      const isAbandoned = outcome.type === 'lost' && isAborted(call);
      const decision = isAbandoned
        ? core.abandoned(true, abandonedReason)
        : core.completed(outcome, clock.monotonicMs());
      if (decision.type === 'attempt' || decision.type === 'renewSession') {
        if (decision.type === 'renewSession') await renew(keys, progress, deadlineMs, call.signal);
        await wait(clock, decision.afterMs, call.signal);
        if (isAborted(call)) this.#finish(call, core.abandoned(false, abandonedReason), key, progress);
        continue;
      }
      return this.#finish(call, decision, key, progress);
    }
  }

  #finish(
    call: Call,
    decision: CallDecision<CallAnswer>,
    key: IdempotencyKey | null,
    progress: CallProgress,
  ): CallAnswer {
    switch (decision.type) {
      case 'answered':
        return decision.answer;
      case 'unknown':
        throw new OutcomeUnknownError(call.operationId, decision.reason, key);
      case 'refused':
        throw new OttlaError(call.operationId, decision.problem);
      case 'unreachable':
        // The caller's own reason says more than that nobody answered.
        call.signal?.throwIfAborted();
        throw this.#noAnswer(call, decision.reason, progress);
      case 'attempt':
      case 'renewSession':
        throw this.#noAnswer(call, 'the call ended between two attempts', progress);
      default:
        return assertNever(decision);
    }
  }

  #noAnswer(call: Call, reason: string, { failures }: CallProgress): NoAnswerError {
    const outcomes = this.#options.endpoints.map((endpoint, index) => ({
      endpoint,
      failure: failures.get(index) ?? null,
    }));
    return new NoAnswerError(call.operationId, reason, outcomes);
  }

  async #attempt(
    call: Call,
    key: IdempotencyKey | null,
    deadlineMs: number,
    attempts: number,
  ): Promise<{ readonly index: number; readonly outcome: AttemptOutcome<CallAnswer> }> {
    const { chooser, clock, attemptTimeoutMs } = this.#options;
    const remainingMs = Math.max(1, Math.ceil(deadlineMs - clock.monotonicMs()));
    const serverTimeoutMs = Math.min(remainingMs, attemptTimeoutMs);
    const index = chooser.choose(clock.monotonicMs());
    const result = await this.#send(index, call, key, serverTimeoutMs);
    const nowMs = clock.monotonicMs();
    if (result.type === 'unreachable' || result.type === 'lost') {
      // That the caller has given up says nothing about the endpoint.
      if (!isAborted(call)) chooser.failed(index, nowMs);
      return { index, outcome: result };
    }
    const { standing } = result;
    chooser.answered(index, standing.nodeId, standing.leaderId, nowMs);
    this.#lookForLeader(standing.leaderId, nowMs);
    if (result.type === 'answer') {
      return { index, outcome: { type: 'answered', answer: { ...result, attempts } } };
    }
    if (result.problem.code === 'NOT_CONTROLLER') chooser.failed(index, nowMs);
    return { index, outcome: { type: 'refused', problem: result.problem } };
  }

  /** Nobody waits for what comes of it; the next answers know better where the leader is. */
  #lookForLeader(leaderId: number | null, nowMs: number): void {
    const { chooser, exchange } = this.#options;
    const index = chooser.toLookAt(leaderId, nowMs);
    if (index === null) return;
    const request = { ...livenessRequest, timeoutMs: lookTimeoutMs, signal: null };
    void exchange.send(index, request).then((result) => {
      const isHeard = result.type === 'answer' || result.type === 'problem';
      const nodeId = isHeard ? result.standing.nodeId : null;
      if (nodeId !== null) chooser.learned(index, nodeId);
    });
  }

  #send(
    index: number,
    call: Call,
    key: IdempotencyKey | null,
    serverTimeoutMs: number,
  ): Promise<ExchangeResult> {
    const { exchange, batcher } = this.#options;
    const alone = (): ExchangeRequest => toRequest(call, key, serverTimeoutMs);
    if (call.entry === null) return exchange.send(index, alone());
    const keyField = key === null ? '' : `,"idempotencyKey":"${formatIdempotencyKey(key)}"`;
    return batcher.send(index, {
      text: `{${call.entry}${keyField},"timeoutMs":${serverTimeoutMs}}`,
      alone,
      timeoutMs: serverTimeoutMs + answerTravelMs,
      signal: call.signal,
    });
  }
}

/** Keeps what came of an attempt, should it turn out to have been the last one there. */
function note(failures: CallProgress['failures'], index: number, outcome: AttemptOutcome<CallAnswer>): void {
  if (outcome.type === 'answered') return;
  const reason = outcome.type === 'refused' ? outcome.problem.detail : outcome.reason;
  const kind = outcome.type === 'refused' ? 'answered' : outcome.kind;
  failures.set(index, { kind: kind ?? 'other', reason: reason.replace(/\.$/, '') });
}

/** Null where who asks may open no session: then the write itself is to be refused, by its own name. */
async function acquireIfAllowed(
  keys: KeySource,
  deadlineMs: number,
  signal: AbortSignal | null,
): Promise<Slot | null> {
  try {
    return await keys.acquire(deadlineMs, signal);
  } catch (error) {
    if (error instanceof OttlaError && error.code === 'CLUSTER_AUTHORIZATION_FAILED') return null;
    throw error;
  }
}

function leftMs(clock: Clock, deadlineMs: number): number {
  return Math.max(1, deadlineMs - clock.monotonicMs());
}

async function renew(
  keys: KeySource | null,
  progress: CallProgress,
  deadlineMs: number,
  signal: AbortSignal | null,
): Promise<void> {
  const source = assertDefined(keys, 'only a keyed call renews its session');
  const old = assertDefined(progress.slot, 'a keyed call has a slot');
  source.lost(old.sessionId);
  progress.slot = null;
  progress.slot = await source.acquire(deadlineMs, signal);
}

function toRequest(call: Call, key: IdempotencyKey | null, serverTimeoutMs: number): ExchangeRequest {
  const query = new URLSearchParams(call.query);
  query.set(commonQueryNames.timeoutMs, String(serverTimeoutMs));
  return {
    method: call.method,
    path: `${call.path()}?${query.toString()}`,
    headers: {
      ...call.headers,
      ...(call.body === null ? {} : { 'content-type': jsonContentType }),
      ...(key === null ? {} : { [headerNames.idempotencyKey]: formatIdempotencyKey(key) }),
    },
    body: call.body,
    timeoutMs: serverTimeoutMs + answerTravelMs,
    signal: call.signal,
  };
}

function isAborted(call: Call): boolean {
  return call.signal?.aborted ?? false;
}
