import { type Static, Type } from 'typebox';
import { failed, ok, type Result } from '../../../base/result.ts';
import { closed, defineOperation, nothing, refuse } from '../../define-operation.ts';
import { limits } from '../../limits.ts';
import type { OperationContext, OperationError, OperationOutcome, OperationStep } from '../../operation.ts';
import { findPolicyViolation, isJudged } from '../../policy.ts';
import type { MetadataRecord } from '../../registry.ts';
import { addPartitions, createTopic } from '../topic/create.ts';
import { deleteTopic } from '../topic/operations.ts';
import type { MetadataImage } from '../../image.ts';
import { hasTransactions } from './steps.ts';

const creation = closed({ operationId: Type.Literal('createTopic'), body: createTopic.body });
const growth = closed({
  operationId: Type.Literal('addPartitions'),
  params: addPartitions.params,
  body: addPartitions.body,
});
const deletion = closed({ operationId: Type.Literal('deleteTopic'), params: deleteTopic.params });

type Part = Static<typeof creation> | Static<typeof growth> | Static<typeof deletion>;
type Answer = { readonly operations: number };

export const executeTransaction = defineOperation({
  operationId: 'executeTransaction',
  method: 'POST',
  path: '/transactions',
  summary:
    'Create, grow and delete topics together, or none of them: in their order, as one change to every reader.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: nothing,
  query: nothing,
  body: closed({
    operations: Type.Array(Type.Union([creation, growth, deletion]), {
      minItems: 1,
      maxItems: limits.operationsPerTransactionMax,
    }),
  }),
  response: closed({
    /** How many were executed: all of them. */
    operations: Type.Integer({ minimum: 1 }),
  }),
  errors: [
    'INVALID_REQUEST',
    'UNSUPPORTED_VERSION',
    'INVALID_TOPIC_EXCEPTION',
    'TOPIC_ALREADY_EXISTS',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'INVALID_PARTITIONS',
    'INVALID_REPLICATION_FACTOR',
    'INVALID_REPLICA_ASSIGNMENT',
    'INVALID_CONFIG',
    'POLICY_VIOLATION',
  ],
  example: {
    body: {
      operations: [
        { operationId: 'createTopic', body: { name: 'orders', partitions: 6 } },
        { operationId: 'deleteTopic', params: { topic: 'bills' } },
      ],
    },
    response: { operations: 2 },
  },
  handle: (image, { body }, context) =>
    hasTransactions(image)
      ? executeFrom(body.operations, 0)(image, context)
      : refuse('UNSUPPORTED_VERSION', 'Transactions need level 2 of metadata.version in the whole cluster.'),
});

/** Each on the state that those before it leave, so that each is a step, or several, of its own. */
function executeFrom(parts: readonly Part[], at: number): OperationStep<Answer> {
  return (image, context) => goOn(parts, at, [], context, stepOf(parts[at])(image, context));
}

function stepOf(part: Part | undefined): OperationStep<unknown> {
  return (image: MetadataImage, context: OperationContext) => {
    switch (part?.operationId) {
      case 'createTopic':
        return createTopic.handle(image, { ...empty, body: part.body }, context);
      case 'addPartitions':
        return addPartitions.handle(image, { ...empty, params: part.params, body: part.body }, context);
      case 'deleteTopic':
        return deleteTopic.handle(image, { ...empty, params: part.params }, context);
      default:
        return refuse('INVALID_REQUEST', 'There is no such operation.');
    }
  };
}

const empty = { params: {}, query: {}, body: {} } as const;

/** `before` is what earlier steps of the same part write, where a policy is to see all of it. */
function goOn(
  parts: readonly Part[],
  at: number,
  before: readonly MetadataRecord[],
  context: OperationContext,
  ran: Result<OperationOutcome<unknown>, OperationError>,
): Result<OperationOutcome<Answer>, OperationError> {
  if (!ran.ok) return failed(refusalOf(parts, at, ran.error));
  const { records, next = null } = ran.value;
  const { policies = {} } = context;
  const response: Answer = { operations: parts.length };
  const operationId = parts[at]?.operationId ?? '';
  const written = isJudged(policies, operationId) ? [...before, ...records] : [];
  if (next !== null) {
    const further: OperationStep<Answer> = (image, within) =>
      goOn(parts, at, written, within, next(image, within));
    return ok({ records, response, next: further, ...hangTogether });
  }
  const violation = findPolicyViolation(policies, operationId, written);
  if (violation !== null) {
    return failed(refusalOf(parts, at, { code: 'POLICY_VIOLATION', message: violation }));
  }
  const isLast = at === parts.length - 1;
  return ok({ records, response, next: isLast ? null : executeFrom(parts, at + 1), ...hangTogether });
}

const hangTogether = { readsItsSteps: true, mayRefuseLater: true } as const;

/** The first that is refused refuses the whole, and says which it is. */
function refusalOf(parts: readonly Part[], index: number, error: OperationError): OperationError {
  const operationId = parts[index]?.operationId ?? '';
  return {
    code: error.code,
    message: `Operation ${index} (${operationId}): ${error.message}`,
    details: { ...error.details, index, operationId },
  };
}

export const operations = { executeTransaction } as const;
