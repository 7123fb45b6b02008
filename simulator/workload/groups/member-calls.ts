import type { Random } from '../../../src/base/random.ts';
import type { GroupHeartbeatResult, JoinResult, LeaveResult } from '../../../src/client/group-member-core.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import { failureOf } from '../brokers/controller-calls.ts';
import type { ExchangeOutcome, Exchanges } from '../operators/exchange.ts';
import { ProcessCaller } from '../operators/process-caller.ts';

export type MemberName = { readonly group: string; readonly memberId: string };

/** What one member asks of the controllers, and what their answers mean to its core. */
export class MemberCalls {
  readonly #name: MemberName;
  readonly #caller: ProcessCaller;

  constructor(name: MemberName, process: SimulatedProcess, exchanges: Exchanges, random: Random) {
    this.#name = name;
    this.#caller = new ProcessCaller(`member of ${name.group}`, process, exchanges, random);
  }

  join(sessionTimeoutMs: number, timeoutMs: number, complete: (result: JoinResult) => void): void {
    const { group, memberId } = this.#name;
    const body = { memberId, sessionTimeoutMs, metadata: '' };
    this.#caller.send({ operationId: 'joinGroup', params: { group }, body, timeoutMs }, (outcome) => {
      const response = responseOf(outcome);
      if (response === null) complete(failureOf(outcome));
      else
        complete({ type: 'joined', memberEpoch: (response as { readonly memberEpoch: number }).memberEpoch });
    });
  }

  heartbeat(memberEpoch: number, timeoutMs: number, complete: (result: GroupHeartbeatResult) => void): void {
    const call = {
      operationId: 'heartbeatGroupMember',
      params: this.#name,
      body: { memberEpoch },
      timeoutMs,
    };
    this.#caller.send(call, (outcome) => {
      const response = responseOf(outcome);
      if (response === null) complete(failureOf(outcome));
      else complete({ type: 'acknowledged', ...(response as Acknowledgement) });
    });
  }

  leave(memberEpoch: number, timeoutMs: number, complete: (result: LeaveResult) => void): void {
    const call = { operationId: 'leaveGroup', params: this.#name, body: { memberEpoch }, timeoutMs };
    this.#caller.send(call, (outcome) =>
      complete(responseOf(outcome) === null ? failureOf(outcome) : { type: 'left' }),
    );
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
