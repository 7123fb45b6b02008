import { Type } from 'typebox';
import { ok } from '../../../base/result.ts';
import { closed, defineOperation, nothing, refuse, schemas } from '../../define-operation.ts';
import { exampleIds } from '../../example-ids.ts';
import { limits } from '../../limits.ts';
import { findStaleBroker } from '../broker/present-epoch.ts';
import { finalizedMetadataVersion, logDirectoriesVersion } from '../feature/supported.ts';
import { isReservedDirectory } from '../topic/directories.ts';
import { assignReplicas } from './assign.ts';

const text = Type.Union([Type.String(), Type.Null()]);
const directoriesMax = { minItems: 1, maxItems: limits.logDirsPerBrokerMax };
const partitionsMax = { minItems: 1, maxItems: limits.directoryAssignmentsMax };

export const assignReplicasToDirs = defineOperation({
  operationId: 'assignReplicasToDirs',
  method: 'POST',
  path: '/directories',
  summary: 'A broker says in which of its log directories its replicas are.',
  kind: 'write',
  priority: 'isr',
  mayCall: ['broker'],
  speaksFor: 'body.brokerId',
  params: nothing,
  query: nothing,
  body: closed({
    brokerId: schemas.brokerId,
    brokerEpoch: schemas.offset,
    directories: Type.Array(
      closed({
        directoryId: schemas.uuid,
        partitions: Type.Array(
          closed({ topicId: schemas.uuid, partition: schemas.partitionId }),
          partitionsMax,
        ),
      }),
      directoriesMax,
    ),
  }),
  response: closed({
    directories: Type.Array(
      closed({
        directoryId: schemas.uuid,
        partitions: Type.Array(
          closed({
            topicId: schemas.uuid,
            partition: schemas.partitionId,
            /** Null: the replica is in this directory. Otherwise an error. */
            code: text,
            message: text,
          }),
        ),
      }),
    ),
  }),
  errors: [
    'INVALID_REQUEST',
    'BROKER_ID_NOT_REGISTERED',
    'STALE_BROKER_EPOCH',
    'UNSUPPORTED_VERSION',
    'UNKNOWN_TOPIC_ID',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'NOT_LEADER_OR_FOLLOWER',
    'LOG_DIR_NOT_FOUND',
    'KAFKA_STORAGE_ERROR',
    'OPERATION_NOT_ATTEMPTED',
  ],
  example: {
    body: {
      brokerId: 1,
      brokerEpoch: 12,
      directories: [
        { directoryId: exampleIds.directory, partitions: [{ topicId: exampleIds.topic, partition: 0 }] },
      ],
    },
    response: {
      directories: [
        {
          directoryId: exampleIds.directory,
          partitions: [{ topicId: exampleIds.topic, partition: 0, code: null, message: null }],
        },
      ],
    },
  },
  handle: (image, { body }) => {
    const refusal = findStaleBroker(image, body);
    if (refusal !== null) return refusal;
    if (finalizedMetadataVersion(image) < logDirectoriesVersion) {
      const needed = `metadata.version ${logDirectoriesVersion}`;
      return refuse('UNSUPPORTED_VERSION', `Replicas are assigned to directories from ${needed} on.`);
    }
    const reserved = body.directories.find(({ directoryId }) => isReservedDirectory(directoryId));
    if (reserved !== undefined) {
      return refuse(
        'INVALID_REQUEST',
        `The id ${reserved.directoryId} is reserved, and names no log directory.`,
      );
    }
    const { records, results } = assignReplicas(image, body.brokerId, body.directories);
    const directories = body.directories.map(({ directoryId }, at) => ({
      directoryId,
      partitions: [...(results[at] ?? [])],
    }));
    return ok({ records, response: { directories } });
  },
});

export const operations = { assignReplicasToDirs } as const;
