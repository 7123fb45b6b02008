import { Type } from 'typebox';
import { ok } from '../../../base/result.ts';
import { closed, defineOperation, nothing, schemas } from '../../define-operation.ts';
import { exampleIds } from '../../example-ids.ts';
import { limits } from '../../limits.ts';
import { findStaleBroker } from '../broker/present-epoch.ts';
import { alterPartitions } from './alter-partition.ts';

const nullable = {
  integer: Type.Union([Type.Integer(), Type.Null()]),
  text: Type.Union([Type.String(), Type.Null()]),
};
const recoveryState = Type.Integer({ minimum: 0, maximum: 1 });

export const alterPartition = defineOperation({
  operationId: 'alterPartition',
  method: 'POST',
  path: '/isr',
  summary: 'A leader proposes which replicas of its partitions are in sync.',
  kind: 'write',
  priority: 'isr',
  mayCall: ['broker'],
  speaksFor: 'body.brokerId',
  params: nothing,
  query: nothing,
  body: closed({
    brokerId: schemas.brokerId,
    brokerEpoch: schemas.offset,
    partitions: Type.Array(
      closed({
        topicId: schemas.uuid,
        partition: schemas.partitionId,
        leaderEpoch: schemas.epoch,
        partitionEpoch: schemas.epoch,
        newIsr: Type.Array(closed({ brokerId: schemas.brokerId, brokerEpoch: schemas.offset }), {
          maxItems: limits.replicasPerPartitionMax,
        }),
        /** 1 while the leader recovers from an unclean election; 0 when absent. */
        leaderRecoveryState: Type.Optional(recoveryState),
      }),
      { minItems: 1, maxItems: limits.recordsPerOperationMax },
    ),
  }),
  response: closed({
    partitions: Type.Array(
      closed({
        topicId: schemas.uuid,
        partition: schemas.partitionId,
        /** Null: as proposed, within the new replicas where that ended a reassignment. Otherwise an error. */
        code: nullable.text,
        message: nullable.text,
        leader: nullable.integer,
        leaderEpoch: nullable.integer,
        partitionEpoch: nullable.integer,
        isr: Type.Union([schemas.replicas, Type.Null()]),
        leaderRecoveryState: nullable.integer,
        /** The effective min ISR of the very state that `isr` is of: the leader takes in both together. */
        minInsyncReplicas: nullable.integer,
      }),
    ),
  }),
  errors: [
    'BROKER_ID_NOT_REGISTERED',
    'STALE_BROKER_EPOCH',
    'UNKNOWN_TOPIC_ID',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'FENCED_LEADER_EPOCH',
    'INVALID_UPDATE_VERSION',
    'NEW_LEADER_ELECTED',
    'INELIGIBLE_REPLICA',
    'INVALID_ISR',
    'OPERATION_NOT_ATTEMPTED',
  ],
  example: {
    body: {
      brokerId: 1,
      brokerEpoch: 12,
      partitions: [
        {
          topicId: exampleIds.topic,
          partition: 0,
          leaderEpoch: 3,
          partitionEpoch: 5,
          newIsr: [
            { brokerId: 1, brokerEpoch: 12 },
            { brokerId: 2, brokerEpoch: 14 },
          ],
        },
      ],
    },
    response: {
      partitions: [
        {
          topicId: exampleIds.topic,
          partition: 0,
          code: null,
          message: null,
          leader: 1,
          leaderEpoch: 3,
          partitionEpoch: 6,
          isr: [1, 2],
          leaderRecoveryState: 0,
          minInsyncReplicas: 2,
        },
      ],
    },
  },
  handle: (image, { body }) => {
    const refusal = findStaleBroker(image, body);
    if (refusal !== null) return refusal;
    const proposals = body.partitions.map(({ leaderRecoveryState = 0, ...proposal }) => ({
      ...proposal,
      leaderRecoveryState,
    }));
    const { records, results } = alterPartitions(image, body.brokerId, proposals);
    const partitions = results.map(({ isr, ...result }) => ({
      ...result,
      isr: isr === null ? null : [...isr],
    }));
    return ok({ records, response: { partitions } });
  },
});

export const operations = { alterPartition } as const;
