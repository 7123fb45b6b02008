import { assertDefined } from '../base/assert.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import { BatchQueue, type Batchable, type BatchLimits } from './core/batch-queue.ts';
import { readBatchResults, type ReadResult } from './core/batch-results.ts';
import type { Exchange, ExchangeRequest, ExchangeResult } from './exchange.ts';
import { batchOperationsMax, batchPath } from './protocol/batch.ts';
import { jsonContentType } from './protocol/headers.ts';
import { bodyBytesMax } from './protocol/limits.ts';

/** One attempt at an operation, ready to travel in a batch or by itself. */
export type BatchedAttempt = {
  /** The operation as it stands in a batch, as JSON. */
  readonly text: string;
  /** The same as a request of its own. */
  readonly alone: () => ExchangeRequest;
  /** How long its answer is waited for, from now on. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | null;
};

export type BatcherOptions = {
  readonly exchange: Exchange;
  readonly endpointCount: number;
  readonly clock: Clock;
  readonly limits?: BatchLimits;
};

/** Half of what the server accepts: a batch costs it parsing in one piece, and heartbeats wait meanwhile. */
const defaultLimits: BatchLimits = {
  operationsMax: Math.min(512, batchOperationsMax),
  bytesMax: bodyBytesMax / 2,
  inFlightMax: 4,
};

/**
 * Carries attempts that begin at about the same time to the same endpoint together, as `POST /v1/batch`. What
 * an attempt comes to is what it would have come to alone: a batch that is lost is lost for each in it, and
 * one that was never sent was sent for none.
 *
 * Invariants
 * 1. Each attempt resolves exactly once: by its result, by the end of its batch, or by its own time or signal.
 * 2. One whose own time is over or that is abandoned before it left never leaves, and says so.
 * 3. A batch that nobody waits for any more is ended.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #lanes: readonly Lane[];
  readonly #open = new Set<Attempt>();
  #timer: Timer | null = null;
  #timerDueMs = Number.POSITIVE_INFINITY;

  constructor(options: BatcherOptions) {
    this.#options = options;
    const { exchange, limits, clock } = options;
    this.#lanes = Array.from(
      { length: options.endpointCount },
      (_, index) => new Lane(exchange, clock, index, limits ?? defaultLimits),
    );
  }

  send(endpointIndex: number, given: BatchedAttempt): Promise<ExchangeResult> {
    const lane = assertDefined(this.#lanes[endpointIndex], `there is no endpoint ${endpointIndex}`);
    return new Promise((resolve) => {
      const dueMs = this.#options.clock.monotonicMs() + given.timeoutMs;
      const attempt = new Attempt(given, dueMs, lane, (result) => {
        this.#open.delete(attempt);
        resolve(result);
      });
      this.#open.add(attempt);
      if (!attempt.listen()) return;
      if (dueMs < this.#timerDueMs) this.#schedule(dueMs);
      lane.offer(attempt);
    });
  }

  #schedule(dueMs: number): void {
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    const delayMs = Math.max(1, Math.ceil(dueMs - this.#options.clock.monotonicMs()));
    this.#timer = this.#options.clock.setTimer(delayMs, () => this.#expireDue());
    // Whoever waits for an answer is kept alive by its connection, and the timer outlives the last of them.
    this.#timer.unref?.();
  }

  /** One timer for all: most attempts are answered long before, and their deadlines lie close together. */
  #expireDue(): void {
    this.#timer = null;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#options.clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const attempt of this.#open) {
      if (attempt.dueMs <= nowMs) attempt.giveUp(`no answer came within ${attempt.given.timeoutMs} ms`);
      else nextMs = Math.min(nextMs, attempt.dueMs);
    }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#schedule(nextMs);
  }
}

/** What goes to one endpoint. */
class Lane {
  readonly #exchange: Exchange;
  readonly #clock: Clock;
  readonly #index: number;
  readonly #queue: BatchQueue<Attempt>;
  #isScheduled = false;

  constructor(exchange: Exchange, clock: Clock, index: number, limits: BatchLimits) {
    this.#exchange = exchange;
    this.#clock = clock;
    this.#index = index;
    this.#queue = new BatchQueue(limits);
  }

  offer(attempt: Attempt): void {
    this.#queue.offer(attempt);
    this.#schedule();
  }

  withdraw(attempt: Attempt): boolean {
    return this.#queue.withdraw(attempt);
  }

  /** It runs once the answers that have arrived are handed out: the calls that follow them go together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.afterPendingEvents(() => {
      this.#isScheduled = false;
      for (let batch = this.#queue.take(); batch !== null; batch = this.#queue.take()) this.#send(batch);
    });
  }

  #send(batch: readonly Attempt[]): void {
    const [only] = batch;
    const sent = only !== undefined && batch.length === 1 ? this.#sendAlone(only) : this.#sendTogether(batch);
    void sent.finally(() => {
      this.#queue.finished();
      if (this.#queue.waitingCount > 0) this.#schedule();
    });
  }

  async #sendAlone(attempt: Attempt): Promise<void> {
    if (attempt.isSettled) return;
    attempt.settle(await this.#exchange.send(this.#index, attempt.given.alone()));
  }

  async #sendTogether(batch: readonly Attempt[]): Promise<void> {
    const nobodyWaits = new AbortController();
    let waitingCount = batch.length;
    for (const attempt of batch) {
      attempt.whenSettled = () => {
        waitingCount -= 1;
        if (waitingCount === 0) nobodyWaits.abort();
      };
    }
    const whole = await this.#exchange.send(this.#index, toRequest(batch, nobodyWaits.signal));
    if (whole.type === 'problem' && aboutTheBatch.has(whole.problem.code)) {
      await Promise.all(batch.map((attempt) => this.#sendAlone(attempt)));
    } else handOut(batch, whole);
  }
}

/** Refusals of a batch, given before any of it was looked at, that say nothing about its operations. */
const aboutTheBatch: ReadonlySet<string> = new Set([
  'INVALID_REQUEST',
  'REQUEST_TOO_LARGE',
  'RESOURCE_NOT_FOUND',
  'UNSUPPORTED_VERSION',
]);

class Attempt implements Batchable {
  readonly given: BatchedAttempt;
  readonly bytes: number;
  readonly dueMs: number;
  whenSettled: (() => void) | null = null;
  readonly #lane: Lane;
  readonly #resolve: (result: ExchangeResult) => void;
  readonly #abandon = (): void => this.giveUp('it was abandoned by its caller');
  #isSettled = false;

  get isSettled(): boolean {
    return this.#isSettled;
  }

  constructor(given: BatchedAttempt, dueMs: number, lane: Lane, resolve: (result: ExchangeResult) => void) {
    this.given = given;
    // The comma behind it counts as well.
    this.bytes = Buffer.byteLength(given.text) + 1;
    this.dueMs = dueMs;
    this.#lane = lane;
    this.#resolve = resolve;
  }

  /** False when it is abandoned already. */
  listen(): boolean {
    const { signal } = this.given;
    if (signal?.aborted === true)
      this.settle({ type: 'unreachable', reason: 'it was abandoned before it left' });
    else signal?.addEventListener('abort', this.#abandon, { once: true });
    return !this.#isSettled;
  }

  /** Whether it has left decides what is known of it. */
  giveUp(reason: string): void {
    if (this.#lane.withdraw(this)) this.settle({ type: 'unreachable', reason: `${reason}; it never left` });
    else this.settle({ type: 'lost', reason });
  }

  settle(result: ExchangeResult): void {
    // A result that comes after the attempt's own end finds nobody who waits for it.
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.given.signal?.removeEventListener('abort', this.#abandon);
    this.#resolve(result);
    this.whenSettled?.();
  }
}

function toRequest(batch: readonly Attempt[], signal: AbortSignal): ExchangeRequest {
  return {
    method: 'POST',
    path: batchPath,
    headers: { 'content-type': jsonContentType },
    body: `{"operations":[${batch.map((attempt) => attempt.given.text).join(',')}]}`,
    // Each keeps its own time; the connection is held for the one that waits longest.
    timeoutMs: Math.max(...batch.map((attempt) => attempt.given.timeoutMs)),
    signal,
  };
}

function handOut(batch: readonly Attempt[], whole: ExchangeResult): void {
  if (whole.type !== 'answer') {
    for (const attempt of batch) attempt.settle(whole);
    return;
  }
  const results = readBatchResults(whole.body, batch.length);
  for (const [at, attempt] of batch.entries()) {
    attempt.settle(resultOf(results?.[at] ?? { type: 'unreadable' }, whole.standing.nodeId));
  }
}

function resultOf(result: ReadResult, nodeId: number | null): ExchangeResult {
  if (result.type === 'unreadable') {
    return { type: 'lost', reason: 'the answer to its batch has a form that this client does not know' };
  }
  const standing = { nodeId, ...result.standing };
  return result.type === 'problem'
    ? { type: 'problem', problem: result.problem, standing }
    : { type: 'answer', status: result.status, body: result.body, standing };
}
