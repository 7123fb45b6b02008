import { hashIntegers, type Random, seededRandom } from '../../../src/base/random.ts';
import { offset } from '../../../src/base/brands.ts';
import { zeroUuid } from '../../../src/base/uuid.ts';
import type { Backoff } from '../../../src/client/core/backoff.ts';
import { type AttemptOutcome, CallCore, type CallDecision } from '../../../src/client/core/call-core.ts';
import { Endpoints } from '../../../src/client/core/endpoints.ts';
import { SessionCore, type Slot } from '../../../src/client/core/session-core.ts';
import { errorCatalogue } from '../../../src/metadata/errors.ts';
import { limits } from '../../../src/metadata/limits.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { ControllerAnswer, ControllerRequest } from '../../../src/runtime/controller-api.ts';
import { eventKinds } from '../../../src/testing/world/event-kinds.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import type { Ledger } from '../ledger.ts';
import type { CallEntry, CallLedger, CallOutcome, KeyPlace } from './call-ledger.ts';
import { type Condition, conditionOf, resourceOf } from './condition.ts';
import type { Exchanges, ExchangeOutcome } from './exchange.ts';
import { type PlannedCall, principalOf } from './planned-call.ts';

const callTimeoutMs = 4_000;
const attemptTimeoutMs = 1_000;
const attemptsMax = 30;
const toldOffsetsMax = 12;
const backoff: Backoff = { baseMs: 20, maxMs: 500 };

export type SdkClientOptions = {
  readonly index: number;
  readonly process: SimulatedProcess;
  readonly seed: number;
  readonly exchanges: Pick<Exchanges, 'nodeCount' | 'send'>;
  readonly calls: CallLedger;
  /** Shared with the other workload: what anybody was told. */
  readonly ledger: Ledger;
  readonly clusterId: () => string | null;
};

type Content = Pick<PlannedCall, 'operationId' | 'params' | 'body'> & {
  readonly condition: Condition | null;
};

type Running = {
  readonly entry: CallEntry;
  readonly core: CallCore<ControllerAnswer>;
  slot: Slot | null;
  /** Of a read of the past: the offset stays the same from one attempt to the next. */
  readonly atOffset: number | null;
  /** What it asks for; null until it can be made. */
  content: Content | null;
  readonly end: (outcome: CallOutcome) => void;
};

/**
 * One program that uses the SDK: the cores of the SDK decide when and where a call is sent again, under
 * which key and what its caller is told; the waiting and sending are done here, under virtual time.
 */
export class SdkClient {
  readonly #options: SdkClientOptions;
  readonly #clock: Clock;
  readonly #endpoints: Endpoints;
  readonly #session = new SessionCore(limits.sessionWindow);
  readonly #random: Random;
  /** What it has read last of each resource. */
  readonly #seen = new Map<string, Condition>();
  /** Of the members for which it has joined. */
  readonly #memberEpochs = new Map<string, unknown>();
  #waiting: ((isOpen: boolean) => void)[] = [];
  #isOpening = false;
  #told = 0;
  /** Where its answers stood, the latest first; of some of them the past is asked for again. */
  #toldOffsets: readonly number[] = [];
  #nextRequestId = 1;

  constructor(options: SdkClientOptions) {
    this.#options = options;
    const { exchanges, index, seed, process } = options;
    this.#clock = process.clock();
    this.#random = seededRandom(hashIntegers(seed, index, 0x73646b));
    this.#endpoints = new Endpoints(exchanges.nodeCount, index % exchanges.nodeCount);
  }

  begin(planned: PlannedCall): void {
    const { calls } = this.#options;
    const running = this.#running(planned, (outcome) => calls.settle(running.entry, outcome));
    if (planned.hasBareKey === true) {
      running.entry.keys.push({ principal: this.#principal, key: `call-${running.entry.id}` });
    }
    if (!planned.keyed || planned.hasBareKey === true) this.#attempt(running);
    else this.#withSlot(running);
  }

  get #principal(): string {
    return principalOf(this.#options.index);
  }

  #running(planned: PlannedCall, end: (outcome: CallOutcome) => void): Running {
    const { calls, ledger, exchanges } = this.#options;
    const isHarmless =
      !planned.isWrite || planned.isValidation === true || planned.operationId === 'openSession';
    const core = new CallCore<ControllerAnswer>({
      repeat: isHarmless ? 'harmless' : planned.keyed ? 'keyed' : 'never',
      endpointCount: exchanges.nodeCount,
      deadlineMs: this.#nowMs() + callTimeoutMs,
      attemptsMax,
      refusedMaxMs: Number.POSITIVE_INFINITY,
      backoff,
      random: this.#random,
    });
    return {
      entry: calls.begin(planned, ledger.toldOffset, this.#told),
      core,
      slot: null,
      atOffset: planned.past === undefined ? null : this.#pastOffset(planned.past),
      content: null,
      end,
    };
  }

  /** Null when it was told of nothing yet: then it reads the present. */
  #pastOffset({ answersAgo, recordsBefore }: NonNullable<PlannedCall['past']>): number | null {
    const told = this.#toldOffsets[Math.min(answersAgo, this.#toldOffsets.length - 1)];
    return told === undefined ? null : Math.max(0, told - recordsBefore);
  }

  /** Waits for a session if there is none, and takes a place in it. */
  #withSlot(running: Running): void {
    if (this.#session.sessionId !== null && this.#session.canAllocate()) {
      running.slot = this.#session.allocate();
      running.entry.keys.push(running.slot);
      this.#attempt(running);
      return;
    }
    this.#waiting.push((isOpen) => {
      if (isOpen) this.#withSlot(running);
      else this.#finish(running, { kind: 'unreachable' });
    });
    this.#open();
  }

  #open(): void {
    if (this.#isOpening) return;
    this.#isOpening = true;
    const content = { operationId: 'openSession', params: {}, body: { timeoutMs: 10_000 }, isWrite: true };
    const how = { keyed: false, consistency: 'linearizable', isAfterOwn: false } as const;
    const planned: PlannedCall = { ...content, ...how, atUs: 0, client: this.#options.index };
    const running = this.#running(planned, (outcome) => {
      this.#options.calls.settle(running.entry, outcome);
      this.#isOpening = false;
      const isOpen = outcome.kind === 'answered';
      if (isOpen) this.#session.opened(sessionIdOf(outcome.answer));
      for (const resume of this.#waiting.splice(0)) resume(isOpen);
    });
    this.#attempt(running);
  }

  #attempt(running: Running): void {
    const { exchanges, process, calls } = this.#options;
    const request = this.#request(running);
    if (request === null) {
      this.#finish(running, { kind: 'unreachable' });
      return;
    }
    const index = this.#endpoints.choose(this.#nowMs());
    const key = running.entry.keys.at(-1) ?? null;
    calls.attempting(running.entry);
    exchanges.send(process, index, request, (outcome) => {
      calls.attempted(running.entry, outcome);
      this.#note(running, index, request, key, outcome);
      const decision = running.core.completed(attemptOutcome(outcome), this.#nowMs());
      this.#decide(running, decision);
    });
  }

  /** Null when it cannot be made yet: no session to close or describe, no cluster to belong to. */
  #request(running: Running): ControllerRequest | null {
    const { planned } = running.entry;
    const { consistency } = planned;
    const { atOffset } = running;
    const isAfterOwn = planned.isAfterOwn && !planned.isWrite && atOffset === null;
    // Made once: what is asked for under a key never changes from one attempt to the next.
    running.content ??= this.#content(running);
    if (running.content === null) return null;
    const { operationId, params, body, condition } = running.content;
    const input = { params, query: {}, body };
    const ifMatch = condition?.ifMatch ?? null;
    running.entry.sent = { operationId, input, ifMatch };
    return {
      requestId: this.#nextRequestId++,
      operationId,
      input,
      principal: this.#principal,
      bareIdempotencyKey: bareKeyOf(running.entry),
      idempotencyKey: running.slot === null ? null : this.#session.keyFor(running.slot),
      consistency,
      minOffset: isAfterOwn ? offset(running.entry.clientWasTold) : null,
      atOffset: atOffset === null ? null : offset(atOffset),
      ifMatch,
      validateOnly: planned.isValidation ?? false,
      timeoutMs: planned.timeoutMs ?? attemptTimeoutMs,
    };
  }

  #content({ entry }: Running): Content | null {
    const { operationId, params, body, isConditional } = entry.planned;
    const resource = isConditional === true ? resourceOf(operationId, params) : null;
    const condition = resource === null ? null : (this.#seen.get(resource) ?? null);
    const content = { operationId, params, body, condition };
    const { sessionId } = this.#session;
    if (operationId === 'describeOwnSession') {
      return sessionId === null
        ? null
        : { ...content, operationId: 'describeSession', params: { sessionId } };
    }
    if (operationId === 'closeOwnSession') {
      entry.closes = sessionId;
      return sessionId === null ? null : { ...content, operationId: 'closeSession', params: { sessionId } };
    }
    if (operationId === 'leaveGroup') {
      return { ...content, body: { memberEpoch: this.#memberEpochs.get(memberText(params)) ?? 0 } };
    }
    if (operationId !== 'registerBroker') return content;
    return { ...content, body: { ...body, clusterId: this.#options.clusterId() ?? zeroUuid } };
  }

  #note(
    running: Running,
    index: number,
    request: ControllerRequest,
    key: KeyPlace | null,
    outcome: ExchangeOutcome,
  ): void {
    const { calls, ledger } = this.#options;
    if (outcome.type !== 'answer') {
      this.#endpoints.failed(index, this.#nowMs());
      return;
    }
    const { answer } = outcome;
    const { operationId, input, minOffset, atOffset = null } = request;
    this.#endpoints.answered(index, index + 1, answer.leaderId, this.#nowMs());
    if (!answer.result.ok && answer.result.code === 'NOT_CONTROLLER') {
      this.#endpoints.failed(index, this.#nowMs());
    }
    const condition = running.content?.condition ?? null;
    const asked = { key, minOffset, atOffset, condition, input, operationId };
    calls.answered({ entry: running.entry, ...asked, answer });
    // Of the past it learns nothing that counts for what it does next.
    if (!answer.result.ok || atOffset !== null) return;
    if (!running.entry.planned.isWrite) this.#remember(running.entry.planned, answer);
    if (operationId === 'joinGroup') this.#rememberMember(answer.result.response);
    this.#told = Math.max(this.#told, answer.offset);
    this.#toldOffsets = [answer.offset, ...this.#toldOffsets].slice(0, toldOffsetsMax);
    ledger.told(answer.offset);
  }

  #remember({ operationId, params }: PlannedCall, answer: ControllerAnswer): void {
    const resource = resourceOf(operationId, params);
    const condition = conditionOf(answer);
    if (resource !== null && condition !== null) this.#seen.set(resource, condition);
  }

  #rememberMember(response: unknown): void {
    const joined = response as Readonly<Record<string, unknown>>;
    this.#memberEpochs.set(memberText(joined), joined['memberEpoch']);
  }

  #decide(running: Running, decision: CallDecision<ControllerAnswer>): void {
    switch (decision.type) {
      case 'attempt':
        this.#later(decision.afterMs, () => this.#attempt(running));
        return;
      case 'renewSession':
        if (running.slot !== null) this.#session.lost(running.slot.sessionId);
        running.slot = null;
        this.#later(decision.afterMs, () => this.#withSlot(running));
        return;
      case 'answered':
        this.#finish(running, { kind: 'answered', answer: decision.answer });
        return;
      case 'refused':
        this.#finish(running, { kind: 'refused', code: decision.problem.code });
        return;
      default:
        this.#finish(running, { kind: decision.type });
    }
  }

  #finish(running: Running, outcome: CallOutcome): void {
    if (running.slot !== null) this.#session.release(running.slot);
    if (running.entry.planned.operationId === 'closeOwnSession' && this.#session.sessionId !== null) {
      // Whatever became of it, the next write finds out, or opens another.
      if (outcome.kind === 'answered') this.#session.lost(this.#session.sessionId);
    }
    running.end(outcome);
  }

  #later(afterMs: number, run: () => void): void {
    this.#options.process.schedule(Math.ceil(afterMs * 1000), eventKinds.client, run);
  }

  #nowMs(): number {
    return this.#clock.monotonicMs();
  }
}

function bareKeyOf({ keys }: CallEntry): string | null {
  const key = keys.at(-1);
  return key !== undefined && 'key' in key ? key.key : null;
}

function memberText({ group, memberId }: Readonly<Record<string, unknown>>): string {
  return `${String(group)} ${String(memberId)}`;
}

function sessionIdOf(answer: ControllerAnswer): number {
  const { result } = answer;
  const response = result.ok ? (result.response as { readonly sessionId?: unknown }) : {};
  return typeof response.sessionId === 'number' ? response.sessionId : 0;
}

function attemptOutcome(outcome: ExchangeOutcome): AttemptOutcome<ControllerAnswer> {
  if (outcome.type === 'unreachable') return { type: 'unreachable', reason: 'the connection was refused' };
  if (outcome.type === 'lost') return { type: 'lost', reason: 'no answer came' };
  const { answer } = outcome;
  if (answer.result.ok) return { type: 'answered', answer };
  const { code, message: detail, retryAfterMs } = answer.result;
  // As HTTP puts it, which stands above the simulator.
  const { status, retriable: retryable, summary: title } = errorCatalogue[code];
  const problem = { type: `urn:ottla:error:${code}`, title, status, detail, code, retryable };
  return { type: 'refused', problem: retryAfterMs === null ? problem : { ...problem, retryAfterMs } };
}
