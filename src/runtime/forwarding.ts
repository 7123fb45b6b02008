import { isUuid, type NodeId, type Offset, type Uuid } from '../base/brands.ts';
import { coverageMark } from '../base/coverage-marks.ts';
import { failed, ok, type Result } from '../base/result.ts';
import { errorCatalogue, type ErrorCode } from '../metadata/errors.ts';
import type { Random } from '../base/random.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { ForwardMessage, Transport } from '../ports/transport.ts';
import type { ControllerAnswer, ControllerRequest } from './controller-api.ts';
import type { AnswerHeader } from './requests/reply.ts';
import { SlicedTasks } from './work-slices.ts';

type ForwardRequest = Extract<ForwardMessage, { type: 'forwardRequest' }>;
type ForwardResponse = Extract<ForwardMessage, { type: 'forwardResponse' }>;

/** What is not in a forward message's own fields and travels in its `input`. */
type ForwardedInput = Pick<ControllerRequest, 'input' | 'consistency' | 'minOffset' | 'ifMatch'> & {
  readonly atOffset: Offset | null;
  readonly bareIdempotencyKey: string | null;
  readonly tokenId: Uuid | null;
  readonly validateOnly: boolean;
};

const forwardsInFlightMax = 10_000;
/** Room for so many requests before two processes with neighbouring beginnings could use one number. */
const requestIdsPerStart = 2 ** 20;
/** The leader gives up this much earlier than the asker, so that its answer still arrives in time. */
const answerTravelMs = 50;

/**
 * How long a leader that was replaced may still answer. One that hands over has answered before it goes, and
 * its words may arrive after those of the next; one that hangs says nothing in any time.
 */
const lastWordsMs = 100;

/**
 * Hands requests to the leader, one hop (design, "Running"). A request that was sent and whose connection,
 * deadline or leader is lost may have been executed: a write is then reported as unknown, a read as
 * retriable.
 *
 * What a replaced leader means for a request that was sent to it
 * 1. Nothing definite. The request may be in its log and committed, in its log and about to be truncated, or
 *    unread in a socket of a process that stands still: read later, it is refused by one that follows by
 *    then, and executed by one that leads again in a later epoch. So its outcome is unknown, and waiting for
 *    the deadline would not make it known.
 * 2. Only another leader replaces one. While the epoch has no leader, or when the same node leads a later
 *    one, the node that was asked either answers by itself, or closes its connection when its process ends.
 * 3. The follower does not send the request again, not even under a key. Executed twice it would not be
 *    (design 14), but the second answer may be one that was given before the key was looked up, "this node
 *    does not lead, nothing was changed", which is true of the second attempt alone and would be taken for
 *    the word on both. Whoever made the key knows that an attempt was made before, and judges answers to the
 *    next one by that (`client/core/call-core.ts`): it is told at once, and sends the same key again.
 * 4. What the replaced leader still says is true, whenever it arrives, so a late answer is better than none:
 *    hence `lastWordsMs`.
 */
export class Forwarder {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #pending = new Map<number, PendingForward>();
  /** Thousands may be given up at once, and each is an answer to somebody. */
  readonly #losses: SlicedTasks;
  /** Begins anywhere: the answer to a request of this node's earlier process must not pass for one to this one's. */
  #nextRequestId: number;
  /** Who leads, as far as this node has heard; who led last while nobody does. */
  #leader: NodeId | null = null;
  #lastWords: Timer | null = null;

  constructor(transport: Transport, clock: Clock, random: Random) {
    this.#transport = transport;
    this.#clock = clock;
    this.#losses = new SlicedTasks(clock);
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
    if (pending === undefined || pending.leader !== from) {
      coverageMark('forward: an answer after its request was given up');
      return;
    }
    const answer = decodeAnswer(message.answer);
    if (!answer.ok) {
      this.#lose(message.requestId, answer.error);
      return;
    }
    this.#take(message.requestId)?.settle({ ok: true, answer: answer.value });
  }

  connectionClosed(peer: NodeId): void {
    for (const [requestId, pending] of this.#pending) {
      if (pending.leader !== peer) continue;
      coverageMark('forward: the connection to the leader closes');
      this.#loseInTurn(requestId, 'the connection to the leader closed');
    }
  }

  /** `leader` leads from here on. Those who were asked before it are given up a moment later. */
  leaderIs(leader: NodeId): void {
    this.#leader = leader;
    if (this.#lastWords !== null || !this.#hasReplaced()) return;
    this.#lastWords = this.#clock.setTimer(lastWordsMs, () => {
      this.#lastWords = null;
      for (const [requestId, pending] of this.#pending) {
        if (!this.#isReplaced(pending)) continue;
        coverageMark('forward: its leader was replaced');
        this.#loseInTurn(requestId, 'another node leads now');
      }
    });
  }

  /** The transport says that no byte of it was sent, so nothing was executed. */
  neverSent(message: ForwardMessage): void {
    if (message.type !== 'forwardRequest') return;
    coverageMark('forward: never sent');
    const reason = 'The leader could not be reached; nothing was changed.';
    this.#take(message.requestId)?.settle({ ok: false, code: 'NOT_CONTROLLER', message: reason });
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** The node stops. */
  loseAll(): void {
    this.#lastWords?.cancel();
    for (const requestId of this.#pending.keys()) this.#lose(requestId, 'this node stops');
  }

  #hasReplaced(): boolean {
    for (const pending of this.#pending.values()) if (this.#isReplaced(pending)) return true;
    return false;
  }

  #isReplaced({ leader }: PendingForward): boolean {
    return this.#leader !== null && leader !== this.#leader;
  }

  #loseInTurn(requestId: number, reason: string): void {
    this.#losses.run(() => this.#lose(requestId, reason));
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
  readonly timer: Timer;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

function encodeForwardRequest(requestId: number, request: ControllerRequest): ForwardRequest {
  const input: ForwardedInput = {
    input: request.input,
    consistency: request.consistency,
    minOffset: request.minOffset,
    atOffset: request.atOffset ?? null,
    ifMatch: request.ifMatch,
    bareIdempotencyKey: request.bareIdempotencyKey ?? null,
    tokenId: request.tokenId ?? null,
    validateOnly: request.validateOnly ?? false,
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
  const { input, consistency, minOffset, atOffset, ifMatch } = parsed.value;
  const { bareIdempotencyKey, tokenId, validateOnly } = parsed.value;
  if (!isObject(input)) return failed('a forwarded request has no input');
  if (consistency !== 'linearizable' && consistency !== 'stale') return failed('unknown consistency');
  if (!isOffsetOrNull(minOffset)) return failed('minOffset is not an offset');
  // Left out it would pass for a read of the present.
  if (!isOffsetOrNull(atOffset)) return failed('atOffset is not an offset');
  if (!isOffsetOrNull(ifMatch)) return failed('ifMatch is not an offset');
  if (bareIdempotencyKey !== null && typeof bareIdempotencyKey !== 'string')
    return failed('the key is not a text');
  // Left out it would pass for a request without a token, which is not looked at again.
  if (tokenId !== null && !isUuid(tokenId)) return failed('tokenId is no id');
  // Never guessed: taken for a write, a validation would change something.
  if (typeof validateOnly !== 'boolean') return failed('it does not say whether it is only to be validated');
  return ok({
    requestId: message.requestId,
    operationId: message.operationId,
    // What has no field is left out on the way.
    input: { params: input['params'] ?? {}, query: input['query'] ?? {}, body: input['body'] ?? {} },
    principal: message.principal,
    tokenId,
    idempotencyKey: message.idempotencyKey,
    bareIdempotencyKey,
    consistency,
    minOffset,
    atOffset,
    ifMatch,
    validateOnly,
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
