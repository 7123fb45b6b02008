import type { Random } from '../../../src/base/random.ts';
import { Endpoints } from '../../../src/client/core/endpoints.ts';
import type { GroupHeartbeatResult, JoinResult, LeaveResult } from '../../../src/client/group-member-core.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import { failureOf } from '../brokers/controller-calls.ts';
import type { Exchanges, ExchangeOutcome } from '../operators/exchange.ts';

type Body = Readonly<Record<string, unknown>>;

export type MemberName = { readonly group: string; readonly memberId: string };

/** What one member asks of the controllers, and what their answers mean to its core. */
export class MemberCalls {
  readonly #name: MemberName;
  readonly #process: SimulatedProcess;
  readonly #exchanges: Exchanges;
  readonly #clock: Clock;
  readonly #endpoints: Endpoints;
  #nextRequestId = 1;

  constructor(name: MemberName, process: SimulatedProcess, exchanges: Exchanges, random: Random) {
    this.#name = name;
    this.#process = process;
    this.#exchanges = exchanges;
    this.#clock = process.clock();
    this.#endpoints = new Endpoints(exchanges.nodeCount, random.integer(exchanges.nodeCount));
  }

  join(sessionTimeoutMs: number, timeoutMs: number, complete: (result: JoinResult) => void): void {
    const { group, memberId } = this.#name;
    const body = { memberId, sessionTimeoutMs, metadata: '' };
    this.#send('joinGroup', { group }, body, timeoutMs, (outcome) => {
      const response = responseOf(outcome);
      if (response === null) complete(failureOf(outcome));
      else
        complete({ type: 'joined', memberEpoch: (response as { readonly memberEpoch: number }).memberEpoch });
    });
  }

  heartbeat(memberEpoch: number, timeoutMs: number, complete: (result: GroupHeartbeatResult) => void): void {
    this.#send('heartbeatGroupMember', this.#name, { memberEpoch }, timeoutMs, (outcome) => {
      const response = responseOf(outcome);
      if (response === null) complete(failureOf(outcome));
      else complete({ type: 'acknowledged', ...(response as Acknowledgement) });
    });
  }

  leave(memberEpoch: number, timeoutMs: number, complete: (result: LeaveResult) => void): void {
    this.#send('leaveGroup', this.#name, { memberEpoch }, timeoutMs, (outcome) =>
      complete(responseOf(outcome) === null ? failureOf(outcome) : { type: 'left' }),
    );
  }

  #send(
    operationId: string,
    params: Body,
    body: Body,
    timeoutMs: number,
    complete: (outcome: ExchangeOutcome) => void,
  ): void {
    const nowMs = (): number => this.#clock.monotonicMs();
    const index = this.#endpoints.choose(nowMs());
    const request = {
      requestId: this.#nextRequestId++,
      operationId,
      input: { params, query: {}, body },
      principal: `member of ${this.#name.group}`,
      idempotencyKey: null,
      consistency: 'linearizable',
      minOffset: null,
      ifMatch: null,
      timeoutMs,
    } as const;
    this.#exchanges.send(this.#process, index, request, (outcome) => {
      if (outcome.type === 'answer') {
        const { result, leaderId } = outcome.answer;
        this.#endpoints.answered(index, index + 1, leaderId, nowMs());
        if (!result.ok && result.code === 'NOT_CONTROLLER') this.#endpoints.failed(index, nowMs());
      } else {
        this.#endpoints.failed(index, nowMs());
      }
      complete(outcome);
    });
  }
}

type Acknowledgement = {
  readonly leaderId: string;
  readonly leaderEpoch: number;
  readonly sessionTimeoutMs: number;
};

/** Null where the request was not carried out, or nobody says. */
function responseOf(outcome: ExchangeOutcome): unknown {
  return outcome.type === 'answer' && outcome.answer.result.ok ? outcome.answer.result.response : null;
}
