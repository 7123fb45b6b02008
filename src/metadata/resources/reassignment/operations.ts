import { Type } from 'typebox';
import { ok } from '../../../base/result.ts';
import {
  answer,
  closed,
  defineOperation,
  integerToken,
  nothing,
  pageQuery,
  schemas,
  takePage,
  unknownToken,
} from '../../define-operation.ts';
import { exampleIds } from '../../example-ids.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import { everyRole } from '../../roles.ts';
import { partitionAt } from '../topic/state.ts';
import { alterReassignments } from './alter.ts';
import { drainBroker } from './drain-operation.ts';

const nullableText = Type.Union([Type.String(), Type.Null()]);

export const alterPartitionReassignments = defineOperation({
  operationId: 'alterPartitionReassignments',
  method: 'POST',
  path: '/reassignments',
  summary: 'Give partitions other replicas, replace what is under way, or cancel it; each for itself.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: nothing,
  query: nothing,
  body: closed({
    partitions: Type.Array(
      closed({
        topic: schemas.topicName,
        partition: schemas.partitionId,
        /** In order of preference; null cancels, and the partition goes back to the replicas that it had. */
        replicas: Type.Union([schemas.replicas, Type.Null()]),
      }),
      { minItems: 1, maxItems: limits.reassignmentsPerOperationMax },
    ),
    /** False: refuse a number of replicas other than the partition has (KIP-860). True when absent. */
    allowReplicationFactorChange: Type.Optional(Type.Boolean()),
  }),
  response: closed({
    partitions: Type.Array(
      closed({
        topic: schemas.topicName,
        partition: schemas.partitionId,
        /** Null: it is done, or under way. Otherwise the error of this partition alone. */
        code: nullableText,
        message: nullableText,
      }),
    ),
  }),
  errors: [
    'INVALID_REQUEST',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'NO_REASSIGNMENT_IN_PROGRESS',
    'INVALID_REPLICA_ASSIGNMENT',
    'INVALID_REPLICATION_FACTOR',
  ],
  example: {
    body: { partitions: [{ topic: 'orders', partition: 0, replicas: [2, 3, 4] }] },
    response: { partitions: [{ topic: 'orders', partition: 0, code: null, message: null }] },
  },
  handle: (image, { body }) => {
    const { partitions, allowReplicationFactorChange = true } = body;
    const { records, results } = alterReassignments(image, partitions, allowReplicationFactorChange);
    return ok({ records, response: { partitions: results.map((result) => ({ ...result })) } });
  },
});

export const listPartitionReassignments = defineOperation({
  operationId: 'listPartitionReassignments',
  method: 'GET',
  path: '/reassignments',
  summary: 'Partitions that are being reassigned; the order is the same for all pages of one offset.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: nothing,
  query: pageQuery,
  body: nothing,
  response: closed({
    partitions: Type.Array(
      closed({
        topic: schemas.topicName,
        topicId: schemas.uuid,
        partition: schemas.partitionId,
        /** Those that stay, those that are added and, last, those that are removed. */
        replicas: schemas.replicas,
        addingReplicas: schemas.replicas,
        removingReplicas: schemas.replicas,
        isr: schemas.replicas,
        leader: schemas.leader,
      }),
    ),
    continue: schemas.nextToken,
  }),
  errors: ['INVALID_REQUEST'],
  example: {
    query: { limit: 100 },
    response: {
      partitions: [
        {
          topic: 'orders',
          topicId: exampleIds.topic,
          partition: 0,
          replicas: [2, 3, 4, 1],
          addingReplicas: [4],
          removingReplicas: [1],
          isr: [1, 2, 3],
          leader: 1,
        },
      ],
      continue: null,
    },
  },
  handle: (image, { query }) => {
    const after = query.continue === undefined ? -1 : integerToken(query.continue);
    if (after === null) return unknownToken;
    const page = takePage(image.topic.reassigning.valuesFrom(after + 1), query, String);
    return answer({
      partitions: page.rows.map((slot) => describeReassignment(image, slot)),
      continue: page.continue,
    });
  },
});

function describeReassignment({ topic }: MetadataImage, slot: number) {
  const { topicId, partitionId, replicas, addingReplicas, removingReplicas, isr, leader } = partitionAt(
    topic,
    slot,
  );
  return {
    topic: topic.topics.get(topicId)?.name ?? '',
    topicId,
    partition: partitionId,
    replicas: [...replicas],
    addingReplicas: [...addingReplicas],
    removingReplicas: [...removingReplicas],
    isr: [...isr],
    leader,
  };
}

export const operations = { alterPartitionReassignments, listPartitionReassignments, drainBroker } as const;
