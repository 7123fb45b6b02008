import type { FastifyReply } from 'fastify';
import { headerNames, problemContentType } from '../client/protocol/headers.ts';
import { isErrorCode, makeProblem, type Problem, type ProblemInput } from '../client/protocol/problem.ts';
import type { ErrorCode } from '../metadata/errors.ts';
import type { BrokerAddress } from './broker-core.ts';

/** What a broker answers beyond the controllers' catalogue, by Kafka's names. */
export const brokerErrors = {
  NOT_LEADER_OR_FOLLOWER: {
    status: 409,
    retriable: true,
    summary: 'This broker does not lead the partition, or holds no lease. Nothing was done.',
  },
  NOT_ENOUGH_REPLICAS: {
    status: 503,
    retriable: true,
    summary: 'Fewer replicas are in sync than min.insync.replicas demands. Nothing was appended.',
  },
  REPLICA_NOT_AVAILABLE: {
    status: 503,
    retriable: true,
    summary: 'The replica is not ready for this yet. Nothing was done.',
  },
  OFFSET_NOT_AVAILABLE: {
    status: 503,
    retriable: true,
    summary: 'A new leader shows nothing until it knows that all of it is committed.',
  },
  CORRUPT_MESSAGE: { status: 400, retriable: true, summary: 'The bytes are not those that were written.' },
  INVALID_RECORD: { status: 400, retriable: false, summary: 'The records break a rule.' },
  UNSUPPORTED_FOR_MESSAGE_FORMAT: {
    status: 400,
    retriable: false,
    summary: 'The records are of another format than 2.',
  },
  UNSUPPORTED_COMPRESSION_TYPE: {
    status: 400,
    retriable: false,
    summary: 'The records are packed in a way that this broker cannot look into.',
  },
  MESSAGE_TOO_LARGE: {
    status: 413,
    retriable: false,
    summary: 'The batch is larger than max.message.bytes allows.',
  },
  OUT_OF_ORDER_SEQUENCE_NUMBER: {
    status: 409,
    retriable: false,
    summary: 'The batch is not the producer’s next one. Nothing was appended.',
  },
  INVALID_PRODUCER_EPOCH: {
    status: 409,
    retriable: false,
    summary: 'Another producer of the same id has taken this one’s place. Nothing was appended.',
  },
  UNKNOWN_PRODUCER_ID: {
    status: 409,
    retriable: false,
    summary: 'Nothing is known of this producer, and its batch does not begin at sequence 0.',
  },
  NOT_COORDINATOR: {
    status: 409,
    retriable: true,
    summary: 'Another broker keeps the offsets of this group. Nothing was done.',
  },
  COORDINATOR_NOT_AVAILABLE: {
    status: 503,
    retriable: true,
    summary: 'Whoever keeps the offsets of this group is not ready for it yet. Nothing was done.',
  },
  KAFKA_STORAGE_ERROR: { status: 500, retriable: true, summary: 'The broker’s disk fails.' },
} as const;

export type BrokerErrorCode = ErrorCode | keyof typeof brokerErrors;

export type BrokerProblem = Omit<ProblemInput, 'code' | 'leader'> & {
  readonly code: BrokerErrorCode;
  /** Who leads the partition, as far as this broker knows; absent where it is of no interest. */
  readonly leader?: BrokerAddress | null;
};

/** An error as it travels, in the form that the controllers use. */
export function problemOf({ leader, ...input }: BrokerProblem): Problem {
  const standing = leader === undefined ? {} : { leader: leader?.brokerId ?? null };
  const details =
    leader === undefined || leader === null
      ? input.details
      : { ...input.details, leaderAddress: { ...leader } };
  const { code } = input;
  if (isErrorCode(code)) return makeProblem({ ...input, ...standing, code, details: details ?? null });
  const { status, retriable, summary } = brokerErrors[code];
  return {
    type: `urn:ottla:error:${code}`,
    title: summary,
    status,
    detail: input.message,
    code,
    retryable: retriable,
    ...standing,
    ...(details === undefined || details === null ? {} : { details }),
  };
}

export function sendProblem(reply: FastifyReply, input: BrokerProblem): void {
  const problem = problemOf(input);
  if (problem.retryAfterMs !== undefined) {
    reply.header(headerNames.retryAfter, Math.max(1, Math.ceil(problem.retryAfterMs / 1000)));
  }
  reply.code(problem.status).type(problemContentType).send(JSON.stringify(problem));
}
