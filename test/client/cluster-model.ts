import type { Random } from '../../src/base/random.ts';
import type { Exchange, ExchangeRequest, ExchangeResult } from '../../src/client/exchange.ts';
import type { BatchEntry, BatchResult } from '../../src/client/protocol/batch.ts';
import { batchPath } from '../../src/client/protocol/batch.ts';
import { parseIdempotencyKey } from '../../src/client/protocol/idempotency-key.ts';
import { makeProblem } from '../../src/client/protocol/problem.ts';
import { errorCatalogue, type ErrorCode } from '../../src/metadata/errors.ts';

/** How often things go wrong, each from 0 to 100 in a hundred. */
export type Trouble = {
  readonly unreachable: number;
  readonly lostBefore: number;
  readonly lostAfter: number;
  /** The request arrives long after its sender has given up. */
  readonly late: number;
  readonly leaderChange: number;
  readonly sessionLoss: number;
};

type Remembered = { readonly text: string; readonly result: Outcome };
type Outcome =
  | { readonly ok: true; readonly topicId: string }
  | { readonly ok: false; readonly code: ErrorCode };

const longMs = 400;

/**
 * A cluster of three nodes as a client sees it over HTTP: it keeps a ledger of what was really executed, and
 * answers, loses, delays and refuses as its seed and `trouble` say. Time is the test's.
 */
export class ClusterModel implements Exchange {
  /** Every execution that took effect, by the topic's name. */
  readonly ledger = new Map<string, string[]>();
  /** Every key under which a second request was seen with another content: a bug of the client. */
  readonly reusedKeys: string[] = [];
  readonly batchSizes: number[] = [];
  trouble: Trouble;
  readonly #random: Random;
  readonly #sessions = new Map<number, Map<number, Remembered>>();
  readonly #forgetBelow = new Map<number, number>();
  readonly #windowMax: number;
  #nextSession = 100;
  #leader = 0;
  #offset = 1;

  constructor(random: Random, trouble: Trouble, windowMax: number) {
    this.#random = random;
    this.trouble = trouble;
    this.#windowMax = windowMax;
  }

  async send(endpointIndex: number, request: ExchangeRequest): Promise<ExchangeResult> {
    const { trouble } = this;
    if (this.#chance(trouble.leaderChange)) this.#leader = this.#random.integer(3);
    if (this.#chance(trouble.sessionLoss)) this.#sessions.clear();
    if (this.#chance(trouble.unreachable)) return { type: 'unreachable', reason: 'refused' };
    if (this.#chance(trouble.lostBefore)) return await this.#lose();
    if (this.#chance(trouble.late)) {
      setTimeout(() => this.#handle(endpointIndex, request), longMs + this.#random.integer(longMs));
      return await this.#lose();
    }
    await pause(this.#random.integer(5));
    const answer = this.#handle(endpointIndex, request);
    await pause(this.#random.integer(5));
    // Cut off after it was executed, or answered after its sender has gone.
    if (this.#chance(trouble.lostAfter)) return await this.#lose();
    return request.signal?.aborted === true ? { type: 'lost', reason: 'aborted' } : answer;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #lose(): Promise<ExchangeResult> {
    await pause(this.#random.integer(20));
    return { type: 'lost', reason: 'cut off' };
  }

  #handle(endpointIndex: number, request: ExchangeRequest): ExchangeResult {
    const standing = { nodeId: endpointIndex, leaderId: this.#leader, offset: 1, epoch: 1, forwarded: false };
    if (request.path === '/livez') return { type: 'answer', status: 200, body: {}, standing };
    if (request.path !== batchPath) {
      this.batchSizes.push(1);
      const result = this.#one(endpointIndex, entryOf(request));
      const { status } = result;
      return 'problem' in result
        ? { type: 'problem', problem: result.problem, standing }
        : { type: 'answer', status, body: result.response, standing };
    }
    const { operations } = JSON.parse(request.body ?? '') as { readonly operations: readonly BatchEntry[] };
    this.batchSizes.push(operations.length);
    const body = { results: operations.map((entry) => this.#one(endpointIndex, entry)) };
    return { type: 'answer', status: 200, body, standing };
  }

  #one(endpointIndex: number, entry: BatchEntry): BatchResult {
    if (endpointIndex !== this.#leader) return this.#refuse('NOT_CONTROLLER');
    if (entry.operationId === 'openSession') {
      const sessionId = this.#nextSession++;
      this.#sessions.set(sessionId, new Map());
      return this.#answer({ sessionId });
    }
    const result = entry.idempotencyKey === undefined ? this.#execute(entry) : this.#executeOnce(entry);
    if (!result.ok) return this.#refuse(result.code);
    // Appended, and leadership lost before it was known to be committed.
    if (this.#chance(this.trouble.lostAfter)) return this.#refuse('OUTCOME_UNKNOWN');
    return this.#answer({ topicId: result.topicId });
  }

  #executeOnce(entry: BatchEntry): Outcome {
    const parsed = parseIdempotencyKey(entry.idempotencyKey ?? '');
    if (!parsed.ok || parsed.value.form !== 'session') return { ok: false, code: 'INVALID_REQUEST' };
    const { sessionId, sequence, forgetBelow } = parsed.value.key;
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return { ok: false, code: 'SESSION_EXPIRED' };
    const known = Math.max(this.#forgetBelow.get(sessionId) ?? 0, forgetBelow);
    if (sequence < known) return { ok: false, code: 'SEQUENCE_FORGOTTEN' };
    const text = JSON.stringify(entry.body);
    const remembered = session.get(sequence);
    if (remembered !== undefined) {
      if (remembered.text !== text) this.reusedKeys.push(`${sessionId}:${sequence}`);
      return remembered.result;
    }
    if (sequence >= known + this.#windowMax) return { ok: false, code: 'SESSION_TABLE_FULL' };
    this.#forgetBelow.set(sessionId, known);
    const result = this.#execute(entry);
    session.set(sequence, { text, result });
    return result;
  }

  /** Every seventh name is refused, always: a definite error is an answer like another. */
  #execute(entry: BatchEntry): Outcome {
    const { name } = entry.body as { readonly name: string };
    if (Number(name.split('-')[1]) % 7 === 6) return { ok: false, code: 'TOPIC_ALREADY_EXISTS' };
    const topicId = `id-${this.#offset++}`;
    this.ledger.set(name, [...(this.ledger.get(name) ?? []), topicId]);
    return { ok: true, topicId };
  }

  #answer(response: unknown): BatchResult {
    return {
      status: 201,
      offset: this.#offset,
      epoch: 1,
      leaderId: this.#leader,
      forwarded: false,
      response,
    };
  }

  #refuse(code: ErrorCode): BatchResult {
    const problem = makeProblem({ code, message: code, leader: this.#leader });
    const { status } = errorCatalogue[code];
    return { status, offset: this.#offset, epoch: 1, leaderId: this.#leader, forwarded: false, problem };
  }

  #chance(inAHundred: number): boolean {
    return this.#random.integer(100) < inAHundred;
  }
}

function entryOf(request: ExchangeRequest): BatchEntry {
  const operationId = request.path.startsWith('/v1/sessions') ? 'openSession' : 'createTopic';
  const idempotencyKey = request.headers['idempotency-key'];
  return {
    operationId,
    body: request.body === null ? {} : (JSON.parse(request.body) as Record<string, unknown>),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
