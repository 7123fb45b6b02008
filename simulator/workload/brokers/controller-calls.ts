import type { Random } from '../../../src/base/random.ts';
import type { HeartbeatResult, RegistrationResult } from '../../../src/client/broker-core.ts';
import { errorCatalogue } from '../../../src/metadata/errors.ts';
import type { DirectoryAssignment } from '../../../src/metadata/resources/directory/assign.ts';
import type { ProposalAnswer, ReplicaEffect } from '../../../src/replica/types.ts';
import type { ControllerAnswer } from '../../../src/runtime/controller-api.ts';
import type { SimulatedProcess } from '../../../src/testing/world/process.ts';
import type { Exchanges, ExchangeOutcome } from '../operators/exchange.ts';
import { type Fields, ProcessCaller } from '../operators/process-caller.ts';

/** An answer to a model broker, and what it had asked. */
export type BrokerAnswer = {
  readonly brokerId: number;
  readonly operationId: string;
  readonly body: Fields;
  readonly answer: ControllerAnswer;
};

/** Looks at each answer at the moment in which the broker gets it. */
export type BrokerJudge = { answered(given: BrokerAnswer): void };

/** What one broker asks of the controllers, and what their answers mean to its cores. */
export class ControllerCalls {
  readonly #brokerId: number;
  readonly #judges: readonly BrokerJudge[];
  readonly #caller: ProcessCaller;

  constructor(
    brokerId: number,
    process: SimulatedProcess,
    exchanges: Exchanges,
    random: Random,
    judges: readonly BrokerJudge[],
  ) {
    this.#brokerId = brokerId;
    this.#judges = judges;
    this.#caller = new ProcessCaller(`broker-${brokerId}`, process, exchanges, random);
  }

  register(body: Fields, timeoutMs: number, complete: (result: RegistrationResult) => void): void {
    this.#send('registerBroker', {}, body, timeoutMs, (outcome) => {
      if (outcome.type !== 'answer' || !outcome.answer.result.ok) complete(failureOf(outcome));
      else {
        const { brokerEpoch } = outcome.answer.result.response as { readonly brokerEpoch: number };
        complete({ type: 'registered', brokerEpoch });
      }
    });
  }

  heartbeat(body: Fields, timeoutMs: number, complete: (result: HeartbeatResult) => void): void {
    this.#send('heartbeatBroker', { brokerId: this.#brokerId }, body, timeoutMs, (outcome) => {
      if (outcome.type !== 'answer' || !outcome.answer.result.ok) complete(failureOf(outcome));
      else {
        const response = outcome.answer.result.response as Acknowledgement;
        const { isFenced, shouldShutDown, sessionTimeoutMs } = response;
        complete({ type: 'acknowledged', isFenced, shouldShutDown, sessionTimeoutMs });
      }
    });
  }

  alterPartition(
    brokerEpoch: number,
    topicId: string,
    partition: number,
    effect: Extract<ReplicaEffect, { type: 'proposeIsr' }>,
    complete: (answer: ProposalAnswer) => void,
  ): void {
    const { leaderEpoch, partitionEpoch, newIsr } = effect;
    const proposal = { topicId, partition, leaderEpoch, partitionEpoch, newIsr };
    const body = { brokerId: this.#brokerId, brokerEpoch, partitions: [proposal] };
    this.#send('alterPartition', {}, body, proposalTimeoutMs, (outcome) =>
      complete(proposalAnswerOf(outcome)),
    );
  }

  /** Says where replicas are; what is not taken is said again. */
  assignReplicas(
    brokerEpoch: number,
    directories: readonly DirectoryAssignment[],
    complete: () => void,
  ): void {
    const body = { brokerId: this.#brokerId, brokerEpoch, directories };
    this.#send('assignReplicasToDirs', {}, body, proposalTimeoutMs, complete);
  }

  /** A block of producer ids; `complete` says whether it came. */
  allocateProducerIds(brokerEpoch: number, complete: (isGiven: boolean) => void): void {
    const body = { brokerId: this.#brokerId, brokerEpoch };
    this.#send('allocateProducerIds', {}, body, proposalTimeoutMs, (outcome) =>
      complete(outcome.type === 'answer' && outcome.answer.result.ok),
    );
  }

  #send(
    operationId: string,
    params: Fields,
    body: Fields,
    timeoutMs: number,
    complete: (outcome: ExchangeOutcome) => void,
  ): void {
    this.#caller.send({ operationId, params, body, timeoutMs }, (outcome) => {
      if (outcome.type === 'answer') {
        const given = { brokerId: this.#brokerId, operationId, body, answer: outcome.answer };
        for (const judge of this.#judges) judge.answered(given);
      }
      complete(outcome);
    });
  }
}

const proposalTimeoutMs = 1000;

type Acknowledgement = {
  readonly isFenced: boolean;
  readonly shouldShutDown: boolean;
  readonly sessionTimeoutMs: number;
};

/** What an answer that carried nothing out means to an agent's core. */
export function failureOf(
  outcome: ExchangeOutcome,
): Extract<RegistrationResult, { type: 'refused' | 'failed' }> {
  if (outcome.type !== 'answer') return { type: 'failed', reason: outcome.type };
  const { result } = outcome.answer;
  if (result.ok) return { type: 'failed', reason: 'a success that means nothing' };
  const { code, message, retryAfterMs } = result;
  return { type: 'refused', code, message, retryable: errorCatalogue[code].retriable, retryAfterMs };
}

type ProposalResult = {
  readonly code: string | null;
  readonly partitionEpoch: number | null;
  readonly isr: readonly number[] | null;
  readonly minInsyncReplicas: number | null;
};

/** Only an error that says that nothing was done is a refusal. */
function proposalAnswerOf(outcome: ExchangeOutcome): ProposalAnswer {
  if (outcome.type === 'unreachable') return { kind: 'refused', code: 'NOT_CONTROLLER' };
  if (outcome.type === 'lost') return { kind: 'unknown' };
  const { result } = outcome.answer;
  if (!result.ok) {
    return result.code === 'OUTCOME_UNKNOWN' ? { kind: 'unknown' } : { kind: 'refused', code: result.code };
  }
  const { partitions } = result.response as { readonly partitions: readonly ProposalResult[] };
  const [only] = partitions;
  if (only === undefined) return { kind: 'unknown' };
  if (only.code !== null) return { kind: 'refused', code: only.code };
  const { partitionEpoch, isr, minInsyncReplicas } = only;
  return {
    kind: 'accepted',
    partitionEpoch: partitionEpoch ?? 0,
    isr: isr ?? [],
    minIsr: minInsyncReplicas ?? 1,
  };
}
