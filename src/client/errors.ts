import type { IdempotencyKey } from '../ports/transport.ts';
import type { EndpointOutcome } from './connection-failure.ts';
import type { Problem } from './protocol/problem.ts';

/** The cluster answered with an error: the request changed nothing. `code` is the catalogue's. */
export class OttlaError extends Error {
  override readonly name = 'OttlaError';
  readonly code: string;
  readonly status: number;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>> | null;
  readonly problem: Problem;

  constructor(operationId: string, problem: Problem) {
    super(`${operationId}: ${problem.code}: ${problem.detail}`);
    this.code = problem.code;
    this.status = problem.status;
    this.retryable = problem.retryable;
    this.details = problem.details ?? null;
    this.problem = problem;
  }
}

/**
 * A write may or may not have taken effect, and nobody could be asked. It is a type of its own, because
 * treating it as a failure is how a thing gets done twice.
 */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
  readonly operationId: string;
  /** The key under which the write stood; null when it had none. */
  readonly key: IdempotencyKey | null;

  constructor(operationId: string, reason: string, key: IdempotencyKey | null) {
    super(`${operationId} may or may not have taken effect: ${reason}`);
    this.operationId = operationId;
    this.key = key;
  }
}

/** No endpoint gave an answer in time, and nothing was changed by this call. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  readonly operationId: string;
  readonly endpoints: readonly string[];
  /** The last attempt's. */
  readonly reason: string;
  /** Each endpoint with what came of the last attempt there. */
  readonly outcomes: readonly EndpointOutcome[];

  constructor(operationId: string, reason: string, outcomes: readonly EndpointOutcome[]) {
    const endpoints = outcomes.map(({ endpoint }) => endpoint);
    super(`${operationId} found nobody to answer at ${endpoints.join(', ')}: ${reason}`);
    this.operationId = operationId;
    this.endpoints = endpoints;
    this.reason = reason;
    this.outcomes = outcomes;
  }
}

/** The answer does not have the form that this client knows: server and client are of different versions. */
export class UnexpectedAnswerError extends Error {
  override readonly name = 'UnexpectedAnswerError';
  readonly operationId: string;

  constructor(operationId: string, complaint: string) {
    super(`${operationId} was answered in a form that this client does not know: ${complaint}`);
    this.operationId = operationId;
  }
}
