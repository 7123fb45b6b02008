import type { Random } from '../../../src/base/random.ts';
import { Endpoints } from '../../../src/client/core/endpoints.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import type { ExchangeOutcome, Exchanges } from './exchange.ts';

export type Fields = Readonly<Record<string, unknown>>;

export type ProcessCall = {
  readonly operationId: string;
  readonly params: Fields;
  readonly body: Fields;
  readonly timeoutMs: number;
};

/**
 * How a program that is simulated without its HTTP client asks the controllers: one endpoint for each request,
 * chosen as the SDK chooses it, under no key.
 */
export class ProcessCaller {
  readonly #principal: string;
  readonly #process: SimulatedProcess;
  readonly #exchanges: Exchanges;
  readonly #clock: Clock;
  readonly #endpoints: Endpoints;
  #nextRequestId = 1;

  constructor(principal: string, process: SimulatedProcess, exchanges: Exchanges, random: Random) {
    this.#principal = principal;
    this.#process = process;
    this.#exchanges = exchanges;
    this.#clock = process.clock();
    this.#endpoints = new Endpoints(exchanges.nodeCount, random.integer(exchanges.nodeCount));
  }

  send(call: ProcessCall, complete: (outcome: ExchangeOutcome) => void): void {
    const { operationId, params, body, timeoutMs } = call;
    const nowMs = (): number => this.#clock.monotonicMs();
    const index = this.#endpoints.choose(nowMs());
    const request = {
      requestId: this.#nextRequestId++,
      operationId,
      input: { params, query: {}, body },
      principal: this.#principal,
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
