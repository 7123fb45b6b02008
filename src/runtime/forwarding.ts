import type { NodeId, Offset } from '../base/brands.ts';
import { failed, ok, type Result } from '../base/result.ts';
import { errorCatalogue, type ErrorCode } from '../metadata/errors.ts';
import type { Random } from '../base/random.ts';
import type { Clock } from '../ports/clock.ts';
import type { ForwardMessage, Transport } from '../ports/transport.ts';
import type { ControllerAnswer, ControllerRequest } from './controller-api.ts';
import type { AnswerHeader } from './requests/reply.ts';

type ForwardRequest = Extract<ForwardMessage, { type: 'forwardRequest' }>;
type ForwardResponse = Extract<ForwardMessage, { type: 'forwardResponse' }>;

/** What is not in a forward message's own fields and travels in its `input`. */
type ForwardedInput = Pick<ControllerRequest, 'input' | 'consistency' | 'minOffset' | 'ifMatch'> & {
  readonly bareIdempotencyKey: string | null;
};

const forwardsInFlightMax = 10_000;
/** Room for so many requests before two processes with neighbouring beginnings could use one number. */
const requestIdsPerStart = 2 ** 20;
/** The leader gives up this much earlier than the asker, so that its answer still arrives in time. */
const answerTravelMs = 50;

/**
 * Hands requests to the leader, one hop (design, "Running"). A request that was sent and whose connection
 * or deadline is lost may have been executed: a write is then reported as unknown, a read as retriable.
 */
export class Forwarder {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #pending = new Map<number, PendingForward>();
  /** Begins anywhere: the answer to a request of this node's earlier process must not pass for one to this one's. */
  #nextRequestId: number;

  constructor(transport: Transport, clock: Clock, random: Random) {
    this.#transport = transport;
    this.#clock = clock;
    this.#nextRequestId = random.integer(2 ** 32) * requestIdsPerStart;
  }

  forward(leader: NodeId, request: ControllerRequest, isWrite: boolean, settle: Settle): void {
    if (this.#pending.size >= forwardsInFlightMax) {
      settle({
        ok: false,
        code: 'THROTTLING_QUOTA_EXCEEDED',
        message: 'too many requests wait for the leader',
      });
      return;
    }
    const requestId = this.#nextRequestId++;
    const timer = this.#clock.setTimer(request.timeoutMs, () =>
      this.#lose(requestId, 'no answer came in time'),
    );
    this.#pending.set(requestId, { leader, isWrite, settle, timer });
    this.#transport.send(leader, { channel: 'forward', message: encodeForwardRequest(requestId, request) });
  }

  received(from: NodeId, message: ForwardResponse): void {
    const pending = this.#pending.get(message.requestId);
    if (pending === undefined || pending.leader !== from) return;
    const answer = decodeAnswer(message.answer);
    if (!answer.ok) {
      this.#lose(message.requestId, answer.error);
      return;
    }
    this.#take(message.requestId)?.settle({ ok: true, answer: answer.value });
  }

  connectionClosed(peer: NodeId): void {
    for (const [requestId, pending] of this.#pending) {
      if (pending.leader === peer) this.#lose(requestId, 'the connection to the leader closed');
    }
  }

  /** The transport says that no byte of it was sent, so nothing was executed. */
  neverSent(message: ForwardMessage): void {
    if (message.type !== 'forwardRequest') return;
    const reason = 'The leader could not be reached; nothing was changed.';
    this.#take(message.requestId)?.settle({ ok: false, code: 'NOT_CONTROLLER', message: reason });
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** The node stops. */
  loseAll(): void {
    for (const requestId of this.#pending.keys()) this.#lose(requestId, 'this node stops');
  }

  #lose(requestId: number, reason: string): void {
    const pending = this.#take(requestId);
    if (pending === undefined) return;
    const code: ErrorCode = pending.isWrite ? 'OUTCOME_UNKNOWN' : 'NOT_CONTROLLER';
    pending.settle({
      ok: false,
      code,
      message: `The request was passed on to node ${pending.leader}: ${reason}.`,
    });
  }

  #take(requestId: number): PendingForward | undefined {
    const pending = this.#pending.get(requestId);
    pending?.timer.cancel();
    this.#pending.delete(requestId);
    return pending;
  }
}

type Settle = (outcome: ForwardOutcome) => void;

export type ForwardOutcome =
  | { readonly ok: true; readonly answer: ControllerAnswer }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

type PendingForward = {
  readonly leader: NodeId;
  readonly isWrite: boolean;
  readonly settle: Settle;
  readonly timer: { cancel(): void };
};

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

function encodeForwardRequest(requestId: number, request: ControllerRequest): ForwardRequest {
  const input: ForwardedInput = {
    input: request.input,
    consistency: request.consistency,
    minOffset: request.minOffset,
    ifMatch: request.ifMatch,
    bareIdempotencyKey: request.bareIdempotencyKey ?? null,
  };
  return {
    type: 'forwardRequest',
    requestId,
    operationId: request.operationId,
    input: encoder.encode(JSON.stringify(input)),
    idempotencyKey: request.idempotencyKey,
    principal: request.principal,
    deadlineMs: Math.max(1, request.timeoutMs - answerTravelMs),
  };
}

/** A forwarded request as the leader submits it. The operation's input is checked against its schemas by the caller. */
export function decodeForwardRequest(message: ForwardRequest): Result<ControllerRequest, string> {
  const parsed = parseObject(message.input);
  if (!parsed.ok) return parsed;
  const { input, consistency, minOffset, ifMatch, bareIdempotencyKey } = parsed.value;
  if (!isObject(input)) return failed('a forwarded request has no input');
  if (consistency !== 'linearizable' && consistency !== 'stale') return failed('unknown consistency');
  if (!isOffsetOrNull(minOffset)) return failed('minOffset is not an offset');
  if (!isOffsetOrNull(ifMatch)) return failed('ifMatch is not an offset');
  if (bareIdempotencyKey !== null && typeof bareIdempotencyKey !== 'string')
    return failed('the key is not a text');
  return ok({
    requestId: message.requestId,
    operationId: message.operationId,
    // What has no field is left out on the way.
    input: { params: input['params'] ?? {}, query: input['query'] ?? {}, body: input['body'] ?? {} },
    principal: message.principal,
    idempotencyKey: message.idempotencyKey,
    bareIdempotencyKey,
    consistency,
    minOffset,
    ifMatch,
    timeoutMs: message.deadlineMs,
  });
}

/** The answer to a forwarded request that was not understood: it was not executed. */
export function refuseForward(requestId: number, header: AnswerHeader, fault: string): ForwardResponse {
  const message = `The leader does not understand what was passed on to it: ${fault}.`;
  return encodeForwardResponse(requestId, {
    ...header,
    requestId,
    forwarded: false,
    result: { ok: false, code: 'INVALID_REQUEST', message, details: null, retryAfterMs: null },
  });
}

export function encodeForwardResponse(requestId: number, answer: ControllerAnswer): ForwardResponse {
  return { type: 'forwardResponse', requestId, answer: encoder.encode(JSON.stringify(answer)) };
}

function decodeAnswer(bytes: Uint8Array): Result<ControllerAnswer, string> {
  const parsed = parseObject(bytes);
  if (!parsed.ok) return parsed;
  const { result, offset, epoch } = parsed.value;
  if (!isObject(result)) return failed('the leader’s answer has no result');
  if (typeof result['ok'] !== 'boolean')
    return failed('the leader’s answer is neither a success nor an error');
  if (result['ok'] === false && !isErrorCode(result['code']))
    return failed('the leader’s error code is unknown');
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(epoch))
    return failed('the leader’s answer has no offset');
  // Peers are authenticated and of the same program; what this node itself relies on was checked above.
  return ok(parsed.value as unknown as ControllerAnswer);
}

function parseObject(bytes: Uint8Array): Result<Record<string, unknown>, string> {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return isObject(value) ? ok(value) : failed('not an object');
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOffsetOrNull(value: unknown): value is Offset | null {
  return value === null || (Number.isSafeInteger(value) && (value as number) >= 0);
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCatalogue, value);
}
