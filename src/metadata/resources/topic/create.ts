import { Type, type Static } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { failed, ok, type Result } from '../../../base/result.ts';
import { randomUuid } from '../../../base/uuid.ts';
import { closed, defineOperation, nothing, refuse, schemas, tooManyRecords } from '../../define-operation.ts';
import { exampleIds } from '../../example-ids.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import type { OperationContext, OperationError } from '../../operation.ts';
import { alterConfigs } from '../config/alter.ts';
import { configNameLengthMax, configValueLengthMax } from '../config/records.ts';
import {
  type Assignments,
  defaultReplicationFactor,
  findAssignmentFault,
  findPartitionCountFault,
  partitionRecords,
  placeAssignments,
} from './assignment.ts';
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
    const assignments = assignmentsFor(image, body, rules, context);
    if (!assignments.ok) return assignments;
    const partitions = assignments.value.length;
    const replicationFactor = assignments.value[0]?.length ?? 0;
    const response = { name: body.name, partitions, replicationFactor };
    // 122 random bits: one that is in use would be refused when the record is replayed, and changes nothing.
    const topicId = randomUuid(context.random);
    return ok({
      records: [
        { type: 'TopicRecord', name: body.name, topicId },
        ...configs.value,
        ...partitionRecords(image, topicId, 0, assignments.value),
      ],
      response: { ...response, topicId },
    });
  },
});

/** Kafka's rule: letters, digits, '.', '_' and '-', and neither '.' nor '..'. */
function findNameFault(name: string): string | null {
  if (name === '.' || name === '..') return `A topic cannot be called '${name}'.`;
  return /^[A-Za-z0-9._-]+$/.test(name)
    ? null
    : "A topic's name consists of letters, digits, '.', '_' and '-'.";
}

function assignmentsFor(
  image: MetadataImage,
  body: Creation,
  rules: PlacementRules,
  context: OperationContext,
): Result<Assignments, OperationError> {
  if (body.assignments !== undefined) return givenAssignments(image, body, body.assignments, rules);
  const partitions = body.partitions ?? 1;
  const replicationFactor = body.replicationFactor ?? defaultReplicationFactor(image, rules);
  const fault = findPartitionCountFault(partitions);
  if (fault !== null) return failed(fault);
  if (partitions + 1 > limits.recordsPerOperationMax) return tooManyRecords(partitions + 1);
  if (replicationFactor > limits.replicasPerPartitionMax) {
    return refuse(
      'INVALID_REPLICATION_FACTOR',
      `A partition has at most ${limits.replicasPerPartitionMax} replicas (replicasPerPartitionMax).`,
    );
  }
  return placeAssignments(image, partitions, replicationFactor, rules, context);
}

function givenAssignments(
  image: MetadataImage,
  body: Creation,
  assignments: Assignments,
  rules: PlacementRules,
): Result<Assignments, OperationError> {
  if (body.partitions !== undefined || body.replicationFactor !== undefined) {
    return refuse('INVALID_REQUEST', 'With assignments there is neither partitions nor replicationFactor.');
  }
  if (assignments.length + 1 > limits.recordsPerOperationMax) return tooManyRecords(assignments.length + 1);
  const fault = findAssignmentFault(image, assignments, assignments[0]?.length ?? 0, rules);
  return fault === null ? ok(assignments) : failed(fault);
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
    if (added > limits.recordsPerOperationMax) return tooManyRecords(added);
    const assignments = newAssignments(image, topic, added, body.assignments ?? null, context);
    if (!assignments.ok) return assignments;
    const response = { topicId: topic.topicId, partitions: body.count, added };
    const modifiedOffset = offset(topicModified(image.topic, topic));
    const records = partitionRecords(image, topic.topicId, before, assignments.value);
    return ok({ records, response, modifiedOffset });
  },
});

/** New partitions have as many replicas as the topic's first one, once a reassignment of it is through. */
function newAssignments(
  image: MetadataImage,
  { topicId, name }: TopicRow,
  added: number,
  given: Assignments | null,
  context: OperationContext,
): Result<Assignments, OperationError> {
  const first = findPartition(image.topic, topicId, 0);
  const rules = placementRulesOf(image, name);
  const replicationFactor =
    first === null ? defaultReplicationFactor(image, rules) : targetReplicas(first).length;
  if (given === null) return placeAssignments(image, added, replicationFactor, rules, context);
  if (given.length !== added) {
    return refuse(
      'INVALID_REPLICA_ASSIGNMENT',
      `${added} partitions are added and ${given.length} assignments given.`,
    );
  }
  const fault = findAssignmentFault(image, given, replicationFactor, rules);
  return fault === null ? ok(given) : failed(fault);
}
