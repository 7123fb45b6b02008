import { Type, type Static } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { failed, ok, type Result } from '../../../base/result.ts';
import { randomUuid } from '../../../base/uuid.ts';
import { closed, defineOperation, nothing, refuse, schemas, tooManyRecords } from '../../define-operation.ts';
import { exampleIds } from '../../example-ids.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationError } from '../../operation.ts';
import { alterConfigs } from '../config/alter.ts';
import { configNameLengthMax, configValueLengthMax } from '../config/records.ts';
import { fitsTransaction } from '../transaction/steps.ts';
import {
  type Assignments,
  defaultReplicationFactor,
  findAssignmentFault,
  findPartitionCountFault,
} from './assignment.ts';
import { addInSteps, type NewPartitions } from './new-partitions.ts';
import { targetReplicas } from './partition-row.ts';
import { type PlacementRules, placementRules, placementRulesOf } from './placement-rules.ts';
import { findPartition, partitionCount, topicByName, topicModified, type TopicRow } from './state.ts';

const creationBody = closed({
  name: schemas.topicName,
  /** 1 when absent. */
  partitions: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_147_483_647 })),
  /** 3 when absent, or as many as there are brokers. */
  replicationFactor: Type.Optional(Type.Integer({ minimum: 1, maximum: 32_767 })),
  /** Replicas of each partition in order of preference, in place of the two above. */
  assignments: Type.Optional(
    Type.Array(schemas.replicas, { minItems: 1, maxItems: limits.recordsPerOperationMax }),
  ),
  /** What is set of it from the start. */
  configs: Type.Optional(
    Type.Array(
      closed({
        name: Type.String({ minLength: 1, maxLength: configNameLengthMax }),
        value: Type.String({ maxLength: configValueLengthMax }),
      }),
      { maxItems: limits.configsPerResourceMax },
    ),
  ),
});

type Creation = Static<typeof creationBody>;

export const createTopic = defineOperation({
  operationId: 'createTopic',
  method: 'POST',
  path: '/topics',
  summary: 'Create a topic, its replicas placed over racks and brokers or as given.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: nothing,
  query: nothing,
  body: creationBody,
  response: closed({
    topicId: schemas.uuid,
    name: schemas.topicName,
    partitions: Type.Integer({ minimum: 1 }),
    replicationFactor: Type.Integer({ minimum: 1 }),
  }),
  successStatus: 201,
  errors: [
    'INVALID_REQUEST',
    'INVALID_TOPIC_EXCEPTION',
    'TOPIC_ALREADY_EXISTS',
    'INVALID_PARTITIONS',
    'INVALID_REPLICATION_FACTOR',
    'INVALID_REPLICA_ASSIGNMENT',
    'INVALID_CONFIG',
    'POLICY_VIOLATION',
  ],
  example: {
    body: { name: 'orders', partitions: 6, replicationFactor: 3 },
    response: { topicId: exampleIds.topic, name: 'orders', partitions: 6, replicationFactor: 3 },
  },
  handle: (image, { body }, context) => {
    const fault = findNameFault(body.name);
    if (fault !== null) return refuse('INVALID_TOPIC_EXCEPTION', fault);
    if (topicByName(image.topic, body.name) !== null) {
      return refuse('TOPIC_ALREADY_EXISTS', `The topic ${body.name} exists.`);
    }
    const changes = (body.configs ?? []).map((config) => ({ ...config, operation: 'set' as const }));
    const configs = alterConfigs(image, { type: 'topic', name: body.name }, changes);
    if (!configs.ok) return configs;
    const rules = placementRules(new Map(configs.value.map(({ name, value }) => [name, value ?? ''])));
    const size = sizeOf(image, body, rules);
    if (!size.ok) return size;
    const { name } = body;
    // 122 random bits: one that is in use would be refused when the record is replayed, and changes nothing.
    const topicId = randomUuid(context.random);
    const { count: partitions, replicationFactor } = size.value;
    const response = { topicId, name, partitions, replicationFactor };
    const head = [{ type: 'TopicRecord', name, topicId } as const, ...configs.value];
    return addInSteps({ ...size.value, topicId, first: 0 }, response, head)(image, context);
  },
});

/** Kafka's rule: letters, digits, '.', '_' and '-', and neither '.' nor '..'. */
function findNameFault(name: string): string | null {
  if (name === '.' || name === '..') return `A topic cannot be called '${name}'.`;
  return /^[A-Za-z0-9._-]+$/.test(name)
    ? null
    : "A topic's name consists of letters, digits, '.', '_' and '-'.";
}

type TopicSize = Pick<NewPartitions, 'count' | 'replicationFactor' | 'given' | 'rules'>;

function sizeOf(
  image: MetadataImage,
  body: Creation,
  rules: PlacementRules,
): Result<TopicSize, OperationError> {
  if (body.assignments !== undefined) return givenSize(image, body, body.assignments, rules);
  const count = body.partitions ?? 1;
  const replicationFactor = body.replicationFactor ?? defaultReplicationFactor(image, rules);
  const fault = findPartitionCountFault(count);
  if (fault !== null) return failed(fault);
  if (!fitsTransaction(image, count + 1)) return tooManyRecords(count + 1);
  if (replicationFactor > limits.replicasPerPartitionMax) {
    return refuse(
      'INVALID_REPLICATION_FACTOR',
      `A partition has at most ${limits.replicasPerPartitionMax} replicas (replicasPerPartitionMax).`,
    );
  }
  return ok({ count, replicationFactor, given: null, rules });
}

function givenSize(
  image: MetadataImage,
  body: Creation,
  given: Assignments,
  rules: PlacementRules,
): Result<TopicSize, OperationError> {
  if (body.partitions !== undefined || body.replicationFactor !== undefined) {
    return refuse('INVALID_REQUEST', 'With assignments there is neither partitions nor replicationFactor.');
  }
  const count = given.length;
  if (!fitsTransaction(image, count + 1)) return tooManyRecords(count + 1);
  const replicationFactor = given[0]?.length ?? 0;
  const fault = findAssignmentFault(image, given, replicationFactor, rules);
  return fault === null ? ok({ count, replicationFactor, given, rules }) : failed(fault);
}

export const addPartitions = defineOperation({
  operationId: 'addPartitions',
  method: 'POST',
  path: '/topics/{topic}/partitions',
  summary: 'Raise the number of partitions of a topic.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: closed({ topic: schemas.topicName }),
  query: nothing,
  body: closed({
    /** How many partitions the topic has afterwards. */
    count: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
    /** Replicas of each new partition. */
    assignments: Type.Optional(
      Type.Array(schemas.replicas, { minItems: 1, maxItems: limits.recordsPerOperationMax }),
    ),
  }),
  response: closed({
    topicId: schemas.uuid,
    partitions: Type.Integer({ minimum: 1 }),
    added: Type.Integer({ minimum: 1 }),
  }),
  errors: [
    'INVALID_REQUEST',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'INVALID_PARTITIONS',
    'INVALID_REPLICATION_FACTOR',
    'INVALID_REPLICA_ASSIGNMENT',
    'POLICY_VIOLATION',
  ],
  example: {
    params: { topic: 'orders' },
    body: { count: 12 },
    response: { topicId: exampleIds.topic, partitions: 12, added: 6 },
  },
  handle: (image, { params, body }, context) => {
    const topic = topicByName(image.topic, params.topic);
    if (topic === null) return refuse('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${params.topic}.`);
    const before = partitionCount(image.topic, topic.topicId);
    const added = body.count - before;
    if (added <= 0) {
      return refuse('INVALID_PARTITIONS', `The topic has ${before} partitions; their number only grows.`);
    }
    const countFault = findPartitionCountFault(body.count);
    if (countFault !== null) return failed(countFault);
    if (!fitsTransaction(image, added)) return tooManyRecords(added);
    const size = growthOf(image, topic, added, body.assignments ?? null);
    if (!size.ok) return size;
    const { topicId } = topic;
    const response = { topicId, partitions: body.count, added };
    const grown = addInSteps({ ...size.value, topicId, first: before }, response)(image, context);
    const modifiedOffset = offset(topicModified(image.topic, topic));
    return grown.ok ? ok({ ...grown.value, modifiedOffset }) : grown;
  },
});

/** New partitions have as many replicas as the topic's first one, once a reassignment of it is through. */
function growthOf(
  image: MetadataImage,
  { topicId, name }: TopicRow,
  count: number,
  given: Assignments | null,
): Result<TopicSize, OperationError> {
  const first = findPartition(image.topic, topicId, 0);
  const rules = placementRulesOf(image, name);
  const replicationFactor =
    first === null ? defaultReplicationFactor(image, rules) : targetReplicas(first).length;
  if (given !== null && given.length !== count) {
    return refuse(
      'INVALID_REPLICA_ASSIGNMENT',
      `${count} partitions are added and ${given.length} assignments given.`,
    );
  }
  const fault = given === null ? null : findAssignmentFault(image, given, replicationFactor, rules);
  return fault === null ? ok({ count, replicationFactor, given, rules }) : failed(fault);
}
