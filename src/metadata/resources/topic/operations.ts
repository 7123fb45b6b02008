import { Type } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
import {
  answer,
  closed,
  defineOperation,
  integerToken,
  nothing,
  pageQuery,
  refuse,
  schemas,
  takePage,
  unknownToken,
} from '../../define-operation.ts';
import { exampleIds } from '../../example-ids.ts';
import { limits } from '../../limits.ts';
import { everyRole } from '../../roles.ts';
import { addPartitions, createTopic } from './create.ts';
import { partitionExample, topicExample } from './examples.ts';
import { type PartitionRow, targetReplicas } from './partition-row.ts';
import { removeInSteps } from './removal.ts';
import {
  brokerPartitions,
  findPartition,
  partitionAt,
  partitionCount,
  partitionsOf,
  topicByName,
  topicModified,
  type TopicRow,
  type TopicState,
} from './state.ts';

const topicParams = closed({ topic: schemas.topicName });
const count = Type.Integer({ minimum: 0 });

const topicResponse = closed({
  name: schemas.topicName,
  topicId: schemas.uuid,
  partitionCount: count,
  /** Replicas of the first partition, once a reassignment of it is through. */
  replicationFactor: count,
  lastModified: schemas.offset,
});

const partitionResponse = closed({
  topicId: schemas.uuid,
  partition: schemas.partitionId,
  /** -1: nobody leads it. */
  leader: schemas.leader,
  leaderEpoch: schemas.epoch,
  partitionEpoch: schemas.epoch,
  /** 1 while the leader recovers from an unclean election. */
  leaderRecoveryState: Type.Integer({ minimum: 0, maximum: 1 }),
  replicas: schemas.replicas,
  isr: schemas.replicas,
  addingReplicas: schemas.replicas,
  removingReplicas: schemas.replicas,
  eligibleLeaderReplicas: schemas.replicas,
  lastKnownElr: schemas.replicas,
  /**
   * The log directory of each replica, in their order; none where nothing is known of any. An id that is reserved
   * stands for no directory: all zeros where nothing is known, 1 where the broker has not said it yet, 2 where it is
   * lost.
   */
  directories: Type.Array(schemas.uuid, { maxItems: limits.replicasPerPartitionMax }),
  lastModified: schemas.offset,
});

function noTopic(name: string) {
  return refuse('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${name}.`);
}

function describeTopicRow(state: TopicState, topic: TopicRow) {
  const first = findPartition(state, topic.topicId, 0);
  return {
    name: topic.name,
    topicId: topic.topicId,
    partitionCount: partitionCount(state, topic.topicId),
    replicationFactor: first === null ? 0 : targetReplicas(first).length,
    lastModified: topicModified(state, topic),
  };
}

function describeRow(row: PartitionRow) {
  return {
    topicId: row.topicId,
    partition: row.partitionId,
    leader: row.leader,
    leaderEpoch: row.leaderEpoch,
    partitionEpoch: row.partitionEpoch,
    leaderRecoveryState: row.leaderRecoveryState,
    replicas: [...row.replicas],
    isr: [...row.isr],
    addingReplicas: [...row.addingReplicas],
    removingReplicas: [...row.removingReplicas],
    eligibleLeaderReplicas: [...row.eligibleLeaderReplicas],
    lastKnownElr: [...row.lastKnownElr],
    directories: [...row.directories],
    lastModified: row.lastModified,
  };
}

export const deleteTopic = defineOperation({
  operationId: 'deleteTopic',
  method: 'DELETE',
  path: '/topics/{topic}',
  summary: 'Delete a topic with all its partitions. Its id is never used again.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: topicParams,
  query: nothing,
  body: nothing,
  response: closed({ topicId: schemas.uuid, name: schemas.topicName }),
  errors: ['UNKNOWN_TOPIC_OR_PARTITION'],
  example: { params: { topic: 'orders' }, response: { topicId: exampleIds.topic, name: 'orders' } },
  handle: (image, { params }, context) => {
    const topic = topicByName(image.topic, params.topic);
    if (topic === null) return noTopic(params.topic);
    const { topicId, name } = topic;
    const removed = removeInSteps({ topic, response: { topicId, name } })(image, context);
    const modifiedOffset = offset(topicModified(image.topic, topic));
    return removed.ok ? ok({ ...removed.value, modifiedOffset }) : removed;
  },
});

export const listTopics = defineOperation({
  operationId: 'listTopics',
  method: 'GET',
  path: '/topics',
  summary: 'Topics, by name.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: nothing,
  query: pageQuery,
  body: nothing,
  response: closed({ topics: Type.Array(topicResponse), continue: schemas.nextToken }),
  errors: [],
  example: { query: { limit: 1 }, response: { topics: [topicExample], continue: '52:0:orders' } },
  handle: (image, { query }) => {
    const state = image.topic;
    const names =
      query.continue === undefined ? state.byName.entries() : state.byName.entriesAfter(query.continue);
    const page = takePage(names, query, ([name]) => name);
    const topics = page.rows.map(([, slot]) => describeTopicRow(state, state.topics.rows.row(slot)));
    return answer({ topics, continue: page.continue });
  },
});

export const describeTopic = defineOperation({
  operationId: 'describeTopic',
  method: 'GET',
  path: '/topics/{topic}',
  summary: 'One topic; its partitions are listed by listPartitions.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: topicParams,
  query: nothing,
  body: nothing,
  response: topicResponse,
  errors: ['UNKNOWN_TOPIC_OR_PARTITION'],
  example: { params: { topic: 'orders' }, response: topicExample },
  handle: (image, { params }) => {
    const topic = topicByName(image.topic, params.topic);
    if (topic === null) return noTopic(params.topic);
    return answer(describeTopicRow(image.topic, topic), offset(topicModified(image.topic, topic)));
  },
});

export const listPartitions = defineOperation({
  operationId: 'listPartitions',
  method: 'GET',
  path: '/topics/{topic}/partitions',
  summary: 'Partitions of a topic, by number.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: topicParams,
  query: pageQuery,
  body: nothing,
  response: closed({ partitions: Type.Array(partitionResponse), continue: schemas.nextToken }),
  errors: ['INVALID_REQUEST', 'UNKNOWN_TOPIC_OR_PARTITION'],
  example: { params: { topic: 'orders' }, response: { partitions: [partitionExample], continue: null } },
  handle: (image, { params, query }) => {
    const topic = topicByName(image.topic, params.topic);
    if (topic === null) return noTopic(params.topic);
    const after = query.continue === undefined ? -1 : integerToken(query.continue);
    if (after === null) return unknownToken;
    const rows = partitionsOf(image.topic, topic.topicId, after + 1);
    const page = takePage(rows, query, (row) => String(row.partitionId));
    return answer({ partitions: page.rows.map(describeRow), continue: page.continue });
  },
});

export const describePartition = defineOperation({
  operationId: 'describePartition',
  method: 'GET',
  path: '/topics/{topic}/partitions/{partition}',
  summary: 'One partition.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: closed({ topic: schemas.topicName, partition: schemas.partitionId }),
  query: nothing,
  body: nothing,
  response: partitionResponse,
  errors: ['UNKNOWN_TOPIC_OR_PARTITION'],
  example: { params: { topic: 'orders', partition: 0 }, response: partitionExample },
  handle: (image, { params }) => {
    const topic = topicByName(image.topic, params.topic);
    if (topic === null) return noTopic(params.topic);
    const row = findPartition(image.topic, topic.topicId, params.partition);
    if (row === null) {
      return refuse('UNKNOWN_TOPIC_OR_PARTITION', `${params.topic} has no partition ${params.partition}.`);
    }
    return answer(describeRow(row), offset(row.lastModified));
  },
});

export const listBrokerPartitions = defineOperation({
  operationId: 'listBrokerPartitions',
  method: 'GET',
  path: '/brokers/{brokerId}/partitions',
  summary: 'Partitions that have a replica on a broker; the order is the same for all pages of one offset.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: closed({ brokerId: schemas.brokerId }),
  query: pageQuery,
  body: nothing,
  response: closed({ partitions: Type.Array(partitionResponse), continue: schemas.nextToken }),
  errors: ['INVALID_REQUEST', 'BROKER_ID_NOT_REGISTERED'],
  example: { params: { brokerId: 1 }, response: { partitions: [partitionExample], continue: null } },
  handle: (image, { params, query }) => {
    if (image.broker.brokers.get(params.brokerId) === null) {
      return refuse('BROKER_ID_NOT_REGISTERED', `Broker ${params.brokerId} is not registered.`);
    }
    const after = query.continue === undefined ? -1 : integerToken(query.continue);
    if (after === null) return unknownToken;
    const { replicas } = brokerPartitions(image.topic, params.brokerId);
    const page = takePage(replicas.valuesFrom(after + 1), query, String);
    const partitions = page.rows.map((slot) => describeRow(partitionAt(image.topic, slot)));
    return answer({ partitions, continue: page.continue });
  },
});

export const operations = {
  createTopic,
  addPartitions,
  deleteTopic,
  listTopics,
  describeTopic,
  listPartitions,
  describePartition,
  listBrokerPartitions,
} as const;
