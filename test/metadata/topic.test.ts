import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { randomUuid } from '../../src/base/uuid.ts';
import { runOperation, runStep } from '../../src/metadata/execute.ts';
import { imageDigest } from '../../src/metadata/image.ts';
import { limits } from '../../src/metadata/limits.ts';
import { operationsById } from '../../src/metadata/operations.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';
import { supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { partitionChange } from '../../src/metadata/resources/topic/records.ts';
import { findPartition } from '../../src/metadata/resources/topic/state.ts';
import { incarnationId, TestCluster } from './cluster.ts';
import { allPartitions, findSettledViolation, findIndexViolation } from './invariants.ts';

function started(...ids: number[]): TestCluster {
  const cluster = new TestCluster();
  cluster.start(...ids);
  return cluster;
}

/** Without metadata transactions. */
function startedAtFirstLevel(...ids: number[]): TestCluster {
  const cluster = new TestCluster(builtInRegistry, 1);
  cluster.start(...ids);
  return cluster;
}

describe('creating a topic', () => {
  it('places each partition on different brokers, in sync and led by its first replica', () => {
    const cluster = started(1, 2, 3);
    const made = cluster.ok('createTopic', { body: { name: 'orders', partitions: 6, replicationFactor: 2 } });
    expect(made).toMatchObject({ name: 'orders', partitions: 6, replicationFactor: 2 });
    const rows = allPartitions(cluster.image);
    expect(rows).toHaveLength(6);
    for (const row of rows) {
      expect(new Set(row.replicas).size).toBe(2);
      expect(row.isr).toEqual(row.replicas);
      expect(row.leader).toBe(row.replicas[0]);
      expect([row.leaderEpoch, row.partitionEpoch]).toEqual([0, 0]);
    }
  });

  it('replicates three times when nobody says, or as often as there are brokers', () => {
    const small = started(1, 2);
    expect(small.ok('createTopic', { body: { name: 'a' } })).toMatchObject({
      partitions: 1,
      replicationFactor: 2,
    });
    const larger = started(1, 2, 3, 4, 5);
    expect(larger.ok('createTopic', { body: { name: 'a' } }).replicationFactor).toBe(3);
  });

  it('leaves fenced replicas of a given assignment out of the ISR', () => {
    const cluster = started(1, 2);
    cluster.register(3);
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[3, 1, 2]] } });
    expect(cluster.partition('a')).toMatchObject({ replicas: [3, 1, 2], isr: [1, 2], leader: 1 });
    expect(findSettledViolation(cluster.image)).toBeNull();
  });

  it('refuses names that Kafka refuses', () => {
    const cluster = started(1);
    for (const name of ['.', '..', 'a b', 'ä', 'a/b', '']) {
      expect(cluster.code('createTopic', { body: { name } })).toBe('INVALID_TOPIC_EXCEPTION');
    }
    cluster.ok('createTopic', { body: { name: 'A.b_c-9' } });
    expect(cluster.code('createTopic', { body: { name: 'A.b_c-9' } })).toBe('TOPIC_ALREADY_EXISTS');
  });

  it('refuses more replicas than brokers, and a cluster in which all are fenced', () => {
    const cluster = started(1, 2);
    const body = { name: 'a', replicationFactor: 3 };
    expect(cluster.code('createTopic', { body })).toBe('INVALID_REPLICATION_FACTOR');
    cluster.expire(expireBrokerSessions, 1, 2);
    expect(cluster.code('createTopic', { body: { name: 'a' } })).toBe('INVALID_REPLICATION_FACTOR');
    expect(cluster.code('createTopic', { body: { name: 'a', replicationFactor: 61 } })).toBe(
      'INVALID_REPLICATION_FACTOR',
    );
  });

  it('refuses an assignment with duplicates, strangers, nobody, uneven lengths or fenced brokers alone', () => {
    const cluster = started(1, 2);
    cluster.register(3);
    const code = (assignments: number[][]): string =>
      cluster.code('createTopic', { body: { name: 'a', assignments } });
    for (const bad of [[[1, 1]], [[1, 9]], [[]], [[1, 2], [1]], [[3]]]) {
      expect(code(bad)).toBe('INVALID_REPLICA_ASSIGNMENT');
    }
    const both = { name: 'a', assignments: [[1]], partitions: 1 };
    expect(cluster.code('createTopic', { body: both })).toBe('INVALID_REQUEST');
  });

  it('refuses what does not fit one batch where there are no transactions yet, and names the limit', () => {
    const cluster = startedAtFirstLevel(1);
    const run = (partitions: number) =>
      cluster.run('createTopic', { body: { name: 'a', partitions, replicationFactor: 1 } });
    const refused = run(limits.recordsPerOperationMax);
    expect(refused.ok ? null : refused.error).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { limit: 'recordsPerOperationMax' },
    });
    const tooMany = run(limits.partitionsPerTopicMax + 1);
    expect(tooMany.ok ? null : tooMany.error.code).toBe('INVALID_PARTITIONS');
    expect(run(limits.recordsPerOperationMax - 1).ok).toBe(true);
  });

  it('refuses by bytes what fits by records', () => {
    const cluster = started(...Array.from({ length: 60 }, (_, at) => at + 1));
    const result = cluster.run('createTopic', {
      body: { name: 'a', partitions: 5_000, replicationFactor: 60 },
    });
    expect(result.ok ? null : result.error.details).toMatchObject({ limit: 'operationBytesMax' });
  });
});

describe('a topic of more partitions than a step may have', () => {
  const stepped = (...ids: number[]): TestCluster => {
    const cluster = new TestCluster(builtInRegistry, 2);
    for (const id of ids) {
      cluster.ok('registerBroker', { body: { ...cluster.registration(id), features: supportedFeatures } });
      cluster.heartbeat(id);
    }
    cluster.recordsPerStepMax = 10;
    return cluster;
  };

  it('is created step by step, its replicas spread as evenly as in one step', () => {
    const cluster = stepped(1, 2, 3);
    const body = { name: 'large', partitions: 300, replicationFactor: 2 };
    expect(cluster.ok('createTopic', { body })).toMatchObject({ partitions: 300, replicationFactor: 2 });
    const rows = allPartitions(cluster.image);
    expect(rows.map(({ partitionId }) => partitionId)).toEqual(Array.from({ length: 300 }, (_, at) => at));
    for (const broker of [1, 2, 3]) {
      const led = rows.filter(({ leader }) => leader === broker).length;
      expect(Math.abs(led - 100)).toBeLessThan(35);
    }
    expect(findSettledViolation(cluster.image)).toBeNull();
  });

  it('has its first step only while the state allows it, and gives as many records as one may have', () => {
    const cluster = stepped(1, 2);
    const operation = operationsById.get('createTopic');
    const body = { name: 'large', partitions: 25 };
    const input = { params: {}, query: {}, body };
    const counts: number[] = [];
    let result =
      operation === undefined ? null : runOperation(operation, cluster.image, input, cluster.context);
    while (result?.ok === true) {
      counts.push(result.value.records.length);
      cluster.append(result.value.records);
      const { next = null } = result.value;
      result = next === null ? null : runStep(next, cluster.image, cluster.context);
    }
    expect(counts).toEqual([10, 10, 6]);
  });

  it('is deleted from its last partition down, and leaves nothing', () => {
    const cluster = stepped(1, 2);
    cluster.ok('createTopic', { body: { name: 'other', partitions: 3 } });
    const before = imageDigest(cluster.image);
    const configs = [{ name: 'retention.ms', value: '1' }];
    cluster.recordsPerStepMax = 150;
    cluster.ok('createTopic', { body: { name: 'large', partitions: 400, configs } });
    const from = cluster.log.length;
    cluster.ok('deleteTopic', { params: { topic: 'large' } });
    const told = cluster.log
      .slice(from)
      .map(({ record }) => ('fromPartition' in record ? record.fromPartition : record.type));
    expect(told).toEqual([336, 272, 250, 186, 122, 100, 'ConfigRecord', 'RemoveTopicRecord']);
    expect(allPartitions(cluster.image)).toHaveLength(3);
    expect(imageDigest(cluster.image)).toBe(before);
    expect(findSettledViolation(cluster.image)).toBeNull();
    cluster.ok('addPartitions', { params: { topic: 'other' }, body: { count: 5 } });
    expect(allPartitions(cluster.image)).toHaveLength(5);
  });

  it('is deleted by one record where it has no more partitions than a step has records, or there are no steps', () => {
    for (const [level, partitions] of [
      [2, 10],
      [1, 300],
    ] as const) {
      const cluster = new TestCluster(builtInRegistry, level);
      cluster.ok('registerBroker', { body: { ...cluster.registration(1), features: supportedFeatures } });
      cluster.heartbeat(1);
      cluster.ok('createTopic', { body: { name: 'a', partitions } });
      cluster.recordsPerStepMax = 10;
      const from = cluster.log.length;
      cluster.ok('deleteTopic', { params: { topic: 'a' } });
      expect(cluster.log.slice(from).map(({ record }) => record.type)).toEqual(['RemoveTopicRecord']);
      expect(allPartitions(cluster.image)).toEqual([]);
    }
  });

  it('is given its replicas by its creator, or more of them later', () => {
    const cluster = stepped(1, 2);
    const assignments = Array.from({ length: 25 }, (_, at) => [1 + (at % 2)]);
    cluster.ok('createTopic', { body: { name: 'given', assignments } });
    expect(allPartitions(cluster.image).map(({ replicas }) => [...replicas])).toEqual(assignments);
    const grown = cluster.ok('addPartitions', { params: { topic: 'given' }, body: { count: 60 } });
    expect(grown).toMatchObject({ partitions: 60, added: 35 });
    expect(allPartitions(cluster.image)).toHaveLength(60);
  });
});

describe('adding partitions', () => {
  it('raises the number, with as many replicas as the topic has', () => {
    const cluster = started(1, 2, 3);
    cluster.ok('createTopic', { body: { name: 'a', partitions: 2, replicationFactor: 2 } });
    const input = { params: { topic: 'a' }, body: { count: 5 } };
    expect(cluster.ok('addPartitions', input)).toMatchObject({ partitions: 5, added: 3 });
    const rows = allPartitions(cluster.image);
    expect(rows.map((row) => row.partitionId)).toEqual([0, 1, 2, 3, 4]);
    expect(rows.every((row) => row.replicas.length === 2)).toBe(true);
    expect(cluster.ok('describeTopic', { params: { topic: 'a' } }).partitionCount).toBe(5);
  });

  it('never lowers the number, and takes one assignment for each new partition', () => {
    const cluster = startedAtFirstLevel(1, 2);
    cluster.ok('createTopic', { body: { name: 'a', partitions: 2, replicationFactor: 1 } });
    const code = (body: object): string => cluster.code('addPartitions', { params: { topic: 'a' }, body });
    expect(code({ count: 2 })).toBe('INVALID_PARTITIONS');
    expect(code({ count: limits.partitionsPerTopicMax + 1 })).toBe('INVALID_PARTITIONS');
    expect(code({ count: 20_000 })).toBe('INVALID_REQUEST');
    expect(code({ count: 4, assignments: [[1]] })).toBe('INVALID_REPLICA_ASSIGNMENT');
    expect(code({ count: 3, assignments: [[1, 2]] })).toBe('INVALID_REPLICA_ASSIGNMENT');
    expect(cluster.code('addPartitions', { params: { topic: 'b' }, body: { count: 1 } })).toBe(
      'UNKNOWN_TOPIC_OR_PARTITION',
    );
    cluster.ok('addPartitions', { params: { topic: 'a' }, body: { count: 3, assignments: [[2]] } });
    expect(cluster.partition('a', 2).replicas).toEqual([2]);
  });
});

describe('deleting a topic', () => {
  it('removes it from every index, and gives the next topic another id', () => {
    const cluster = started(1, 2);
    const first = cluster.ok('createTopic', { body: { name: 'a', partitions: 300, replicationFactor: 2 } });
    cluster.ok('createTopic', { body: { name: 'b', partitions: 3, replicationFactor: 1 } });
    cluster.ok('deleteTopic', { params: { topic: 'a' } });
    expect(cluster.code('deleteTopic', { params: { topic: 'a' } })).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(cluster.code('describeTopic', { params: { topic: 'a' } })).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(findSettledViolation(cluster.image)).toBeNull();
    expect(cluster.image.topic.partitions.size).toBe(3);
    const again = cluster.ok('createTopic', { body: { name: 'a', partitions: 2, replicationFactor: 1 } });
    expect(again.topicId).not.toBe(first.topicId);
    expect(findSettledViolation(cluster.image)).toBeNull();
  });
});

describe('changing a partition by record', () => {
  it('bumps the leader epoch whenever a leader is named, even the same one, and else the partition epoch alone', () => {
    const cluster = started(1, 2);
    const { topicId } = cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2]] } });
    if (topicId === null) throw new Error('the topic was made');
    cluster.append([partitionChange({ topicId, partitionId: 0, leader: 1 })]);
    expect(cluster.partition('a')).toMatchObject({ leader: 1, leaderEpoch: 1, partitionEpoch: 1 });
    cluster.append([partitionChange({ topicId, partitionId: 0, isr: [1] })]);
    expect(cluster.partition('a')).toMatchObject({ leader: 1, leaderEpoch: 1, partitionEpoch: 2, isr: [1] });
  });

  it('keeps every field of the record, and moves directories with their replicas', () => {
    const cluster = started(1, 2, 3);
    const { topicId } = cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2, 3]] } });
    if (topicId === null) throw new Error('the topic was made');
    const [first, second, third] = [1, 2, 3].map((seed) => randomUuid(seededRandom(seed)));
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were made');
    cluster.append([
      partitionChange({
        topicId,
        partitionId: 0,
        isr: [2],
        leader: 2,
        removingReplicas: [2],
        addingReplicas: [3],
        leaderRecoveryState: 1,
        directories: [first, second, third],
        eligibleLeaderReplicas: [3],
        lastKnownElr: [1],
      }),
      partitionChange({ topicId, partitionId: 0, replicas: [3, 2] }),
    ]);
    expect(findPartition(cluster.image.topic, topicId, 0)).toMatchObject({
      replicas: [3, 2],
      isr: [2],
      leader: 2,
      removingReplicas: [2],
      addingReplicas: [3],
      leaderRecoveryState: 1,
      directories: [third, second],
      eligibleLeaderReplicas: [3],
      lastKnownElr: [1],
    });
    expect(findIndexViolation(cluster.image)).toBeNull();
    expect(cluster.image.topic.brokers.get(1)).toBeUndefined();
  });

  it('stops at a log that contradicts itself', () => {
    const cluster = started(1);
    const { topicId } = cluster.ok('createTopic', { body: { name: 'a' } });
    if (topicId === null) throw new Error('the topic was made');
    const unknown = incarnationId(5);
    expect(() => cluster.append([partitionChange({ topicId, partitionId: 9, leader: 1 })])).toThrow(
      /unknown/,
    );
    expect(() => cluster.append([{ type: 'RemoveTopicRecord', topicId: unknown }])).toThrow(/unknown/);
    expect(() => cluster.append([{ type: 'TopicRecord', name: 'b', topicId }])).toThrow(/used twice/);
    expect(() => cluster.append([{ type: 'TopicRecord', name: 'a', topicId: unknown }])).toThrow(
      /created twice/,
    );
  });
});

describe('reading topics', () => {
  it('lists topics and partitions by pages, each row once', () => {
    const cluster = started(1);
    for (const name of ['c', 'a', 'b']) {
      cluster.ok('createTopic', { body: { name, partitions: 5, replicationFactor: 1 } });
    }
    const first = cluster.ok('listTopics', { query: { limit: 2 } });
    const second = cluster.ok('listTopics', { query: { limit: 2, continue: first.continue ?? '' } });
    expect([...first.topics, ...second.topics].map((row) => row.name)).toEqual(['a', 'b', 'c']);
    expect(second.continue).toBeNull();

    const numbers: number[] = [];
    let query: { limit: number; continue?: string } = { limit: 2 };
    for (let pages = 0; pages < 10; pages++) {
      const page = cluster.ok('listPartitions', { params: { topic: 'a' }, query });
      numbers.push(...page.partitions.map((row) => row.partition));
      if (page.continue === null) break;
      query = { limit: 2, continue: page.continue };
    }
    expect(numbers).toEqual([0, 1, 2, 3, 4]);
    const code = (params: object, query_ = {}) => cluster.code('listPartitions', { params, query: query_ });
    expect(code({ topic: 'a' }, { continue: '-1' })).toBe('INVALID_REQUEST');
    expect(code({ topic: 'zzz' })).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    const missing = { params: { topic: 'a', partition: 5 } };
    expect(cluster.code('describePartition', missing)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('says which offset last modified a partition', () => {
    const cluster = started(1, 2);
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2]] } });
    const before = cluster.partition('a').lastModified;
    cluster.expire(expireBrokerSessions, 1);
    const after = cluster.partition('a').lastModified;
    expect(after).toBeGreaterThan(before);
    expect(cluster.log[after]?.record.type).toBe('PartitionChangeRecord');
    const result = cluster.run('describePartition', { params: { topic: 'a', partition: 0 } });
    expect(result.ok ? result.value.modifiedOffset : null).toBe(after);
  });
});
