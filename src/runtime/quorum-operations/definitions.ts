import { Type, type TSchema } from 'typebox';
import { closed, nothing, schemas } from '../../metadata/define-operation.ts';
import { exampleIds } from '../../metadata/example-ids.ts';
import type { OperationDefinition } from '../../metadata/operation.ts';

/**
 * Operations on the quorum itself. The leader's core carries them out and not the state machine: no record of
 * metadata comes of them, so that nothing is remembered under a key. What became of one whose answer was lost,
 * the quorum's description shows.
 */
type QuorumOperation<
  Params extends TSchema,
  Query extends TSchema,
  Body extends TSchema,
  Response extends TSchema,
> = Omit<OperationDefinition<Params, Query, Body, Response>, 'handle'>;

/** The definition as it is; the call is there for the types. */
function quorumOperation<
  const Params extends TSchema,
  const Query extends TSchema,
  const Body extends TSchema,
  const Response extends TSchema,
>(
  definition: Omit<QuorumOperation<Params, Query, Body, Response>, 'kind' | 'priority' | 'mayCall'>,
): QuorumOperation<Params, Query, Body, Response> {
  return Object.freeze({
    ...definition,
    kind: 'direct',
    priority: 'administration',
    mayCall: ['operator'] as const,
  });
}

const controllerId = schemas.brokerId;

const voter = closed({ controllerId, directoryId: schemas.uuid });

const addVoter = quorumOperation({
  operationId: 'addVoter',
  method: 'POST',
  path: '/quorum/voters',
  summary: 'Make a voter of a controller that observes the quorum and has caught up (KIP-853).',
  params: nothing,
  query: nothing,
  body: closed({
    controllerId,
    /** That of the one observer with this id, when absent. */
    directoryId: Type.Optional(schemas.uuid),
    /** Where its peers reach it; what it has registered when absent. */
    host: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  }),
  response: voter,
  successStatus: 201,
  errors: [
    'INVALID_REQUEST',
    'DUPLICATE_VOTER',
    'VOTER_NOT_CAUGHT_UP',
    'VOTER_CHANGE_PENDING',
    'UNSUPPORTED_VERSION',
  ],
  example: {
    body: { controllerId: 3 },
    response: { controllerId: 3, directoryId: exampleIds.incarnation },
  },
});

const removeVoter = quorumOperation({
  operationId: 'removeVoter',
  method: 'DELETE',
  path: '/quorum/voters/{controllerId}',
  summary: 'Take a voter out of the quorum; it goes on as an observer (KIP-853).',
  params: closed({ controllerId }),
  query: closed({
    /** Refused unless the voter stands on this directory; whichever it stands on when absent. */
    directoryId: Type.Optional(schemas.uuid),
  }),
  body: nothing,
  response: voter,
  errors: ['INVALID_REQUEST', 'VOTER_NOT_FOUND', 'VOTER_CHANGE_PENDING', 'UNSUPPORTED_VERSION'],
  example: {
    params: { controllerId: 3 },
    response: { controllerId: 3, directoryId: exampleIds.incarnation },
  },
});

const transferLeadership = quorumOperation({
  operationId: 'transferLeadership',
  method: 'POST',
  path: '/quorum/transfer-leadership',
  summary: 'Let the leader resign in favour of another voter that has caught up.',
  params: nothing,
  query: nothing,
  body: closed({
    /** Whichever voter is furthest when absent. */
    preferredSuccessor: Type.Optional(controllerId),
  }),
  response: closed({
    /** Who has resigned, and from which epoch; the next leader is elected after this answer. */
    resignedLeader: controllerId,
    resignedEpoch: schemas.epoch,
    preferredSuccessor: Type.Union([controllerId, Type.Null()]),
  }),
  successStatus: 202,
  errors: ['INVALID_REQUEST', 'VOTER_NOT_FOUND', 'VOTER_NOT_CAUGHT_UP'],
  example: {
    body: { preferredSuccessor: 1 },
    response: { resignedLeader: 0, resignedEpoch: 3, preferredSuccessor: 1 },
  },
});

export const quorumOperations = { addVoter, removeVoter, transferLeadership } as const;

export type QuorumOperationId = keyof typeof quorumOperations;

export function isQuorumOperation(operationId: string): operationId is QuorumOperationId {
  return Object.hasOwn(quorumOperations, operationId);
}
