import { setTimeout as pause } from 'node:timers/promises';
import {
  field,
  headerNumber,
  type Http,
  type HttpAnswer,
  type HttpOutcome,
  numberField,
} from '../../bench/processes/http.ts';

export type WriteRequest = {
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
};

/** How a write ended for the one who asked for it. */
export type WriteOutcome =
  | {
      readonly type: 'acknowledged';
      readonly offset: number;
      readonly body: unknown;
      readonly attempts: number;
    }
  | { readonly type: 'refused'; readonly code: string; readonly detail: string; readonly attempts: number }
  /** Some attempt may have been carried out, and nobody could be asked. */
  | { readonly type: 'unknown'; readonly reason: string; readonly attempts: number }
  /** No attempt was taken by anybody. */
  | { readonly type: 'not done'; readonly reason: string; readonly attempts: number };

export type LedgerClientOptions = {
  readonly http: Http;
  readonly origins: readonly string[];
  /** False: every write is sent at most once, and its outcome may stay unknown. */
  readonly keyed: boolean;
  readonly attemptTimeoutMs?: number;
  readonly writeTimeoutMs?: number;
};

/** Refusals that say "not here, not now": nothing was changed by that attempt. */
const passingCodes: ReadonlySet<string> = new Set([
  'NOT_CONTROLLER',
  'THROTTLING_QUOTA_EXCEEDED',
  'STORAGE_LOW',
  'SESSION_TABLE_FULL',
]);
const unknownCodes: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'REQUEST_TIMED_OUT']);
/** What the server says of a key that it does not know (any more), so of attempts before it knows nothing. */
const sessionCodes: ReadonlySet<string> = new Set(['SESSION_EXPIRED', 'SEQUENCE_FORGOTTEN']);

const attemptTimeoutDefaultMs = 3_000;
const writeTimeoutDefaultMs = 40_000;
const pauseMs = 20;

/**
 * A client written for the tests alone, on plain HTTP, so that what they show does not rest on the SDK:
 * one write at a time, each under the next sequence of its session, repeated under the same key until
 * somebody knows how it ended.
 */
export class LedgerClient {
  readonly #options: LedgerClientOptions;
  #sessionId: number | null = null;
  #sequence = 0;
  #target = 0;
  #offset = 0;

  constructor(options: LedgerClientOptions) {
    this.#options = options;
  }

  /** The highest offset that an answer has shown it. */
  get offset(): number {
    return this.#offset;
  }

  async write(request: WriteRequest): Promise<WriteOutcome> {
    const key = this.#options.keyed ? await this.#nextKey() : null;
    const deadlineMs = performance.now() + (this.#options.writeTimeoutMs ?? writeTimeoutDefaultMs);
    let mayHaveExecuted = false;
    let reason = 'no attempt was made';
    for (let attempts = 1; ; attempts++) {
      const outcome = await this.#attempt(request, key);
      const step = judge(outcome, attempts, mayHaveExecuted);
      if (step.type === 'done') return this.#finish(step.outcome);
      reason = step.reason;
      mayHaveExecuted ||= step.mayHaveExecuted;
      const mustStop = performance.now() >= deadlineMs || (mayHaveExecuted && key === null);
      if (mustStop) return { type: mayHaveExecuted ? 'unknown' : 'not done', reason, attempts };
      this.#target += 1;
      await pause(Math.max(pauseMs, Math.min(step.afterMs, 1_000)));
    }
  }

  async #attempt(request: WriteRequest, key: string | null): Promise<HttpOutcome> {
    const { http, origins, attemptTimeoutMs = attemptTimeoutDefaultMs } = this.#options;
    const origin = origins[this.#target % origins.length] ?? '';
    const url = `${origin}${request.path}?timeout_ms=${attemptTimeoutMs - 500}`;
    return await http.send(request.method, url, {
      ...(request.body === undefined ? {} : { body: request.body }),
      headers: key === null ? {} : { 'idempotency-key': key },
      timeoutMs: attemptTimeoutMs,
    });
  }

  #finish(outcome: WriteOutcome): WriteOutcome {
    if (outcome.type !== 'acknowledged') return outcome;
    if (outcome.offset < this.#offset) {
      throw new Error(
        `the offset that one client is answered fell from ${this.#offset} to ${outcome.offset}`,
      );
    }
    this.#offset = outcome.offset;
    return outcome;
  }

  /** One write at a time: everything below this sequence may be forgotten. */
  async #nextKey(): Promise<string> {
    this.#sessionId ??= await this.#openSession();
    const sequence = this.#sequence++;
    return `${this.#sessionId}:${sequence}:${sequence}`;
  }

  async #openSession(): Promise<number> {
    const { http, origins } = this.#options;
    const deadlineMs = performance.now() + writeTimeoutDefaultMs;
    let reason = '';
    while (performance.now() < deadlineMs) {
      // A session that was opened and never heard of expires by itself: opening two harms nothing.
      const origin = origins[this.#target % origins.length] ?? '';
      const outcome = await http.send('POST', `${origin}/v1/sessions`, { body: {}, timeoutMs: 3_000 });
      if (outcome.type === 'answer' && outcome.status < 300) return numberField(outcome.body, 'sessionId');
      reason = outcome.type === 'answer' ? outcome.text : outcome.reason;
      this.#target += 1;
      await pause(pauseMs);
    }
    throw new Error(`no session could be opened: ${reason}`);
  }
}

type Step =
  | { readonly type: 'done'; readonly outcome: WriteOutcome }
  | {
      readonly type: 'again';
      readonly reason: string;
      readonly mayHaveExecuted: boolean;
      readonly afterMs: number;
    };

function judge(outcome: HttpOutcome, attempts: number, mayHaveExecuted: boolean): Step {
  if (outcome.type === 'unreachable')
    return { type: 'again', reason: outcome.reason, mayHaveExecuted: false, afterMs: 0 };
  if (outcome.type === 'lost')
    return { type: 'again', reason: outcome.reason, mayHaveExecuted: true, afterMs: 0 };
  if (outcome.status < 300) {
    const offset = headerNumber(outcome, 'ottla-offset');
    if (offset === null) throw new Error(`an answer names no offset: ${outcome.text}`);
    return { type: 'done', outcome: { type: 'acknowledged', offset, body: outcome.body, attempts } };
  }
  return judgeProblem(outcome, attempts, mayHaveExecuted);
}

function judgeProblem(answer: HttpAnswer, attempts: number, mayHaveExecuted: boolean): Step {
  const code = field(answer.body, 'code');
  if (typeof code !== 'string') throw new Error(`status ${answer.status} without a code: ${answer.text}`);
  const retryAfterMs = field(answer.body, 'retryAfterMs');
  const afterMs = typeof retryAfterMs === 'number' ? retryAfterMs : 0;
  if (passingCodes.has(code)) return { type: 'again', reason: code, mayHaveExecuted: false, afterMs };
  if (unknownCodes.has(code)) return { type: 'again', reason: code, mayHaveExecuted: true, afterMs };
  const detail = String(field(answer.body, 'detail'));
  if (sessionCodes.has(code) && mayHaveExecuted)
    return { type: 'done', outcome: { type: 'unknown', reason: code, attempts } };
  return { type: 'done', outcome: { type: 'refused', code, detail, attempts } };
}
