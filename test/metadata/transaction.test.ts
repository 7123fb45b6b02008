import { describe, expect, it } from 'vitest';
import type { OperationError } from '../../src/metadata/operation.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';
import { supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { topicByName } from '../../src/metadata/resources/topic/state.ts';
import { TestCluster } from './cluster.ts';
import { allPartitions, findSettledViolation } from './invariants.ts';

function clusterAt(level: number): TestCluster {
  const made = new TestCluster(builtInRegistry, level);
  for (const id of [1, 2, 3]) {
    made.ok('registerBroker', { body: { ...made.registration(id), features: supportedFeatures } });
    made.heartbeat(id);
  }
  made.ok('createTopic', { body: { name: 'old', partitions: 20 } });
  made.recordsPerStepMax = 10;
  return made;
}

const create = (name: string, partitions = 1): object => ({
  operationId: 'createTopic',
  body: { name, partitions },
});
const grow = (topic: string, count: number): object => ({
  operationId: 'addPartitions',
  params: { topic },
  body: { count },
});
const remove = (topic: string): object => ({ operationId: 'deleteTopic', params: { topic } });

function namesIn({ image }: TestCluster): readonly string[] {
  return [...image.topic.byName.entries()].map(([name]) => name);
}

/** What is said of a transaction whose last operation is refused. */
function refusal(cluster: TestCluster, operations: readonly object[]): OperationError | null {
  const result = cluster.run('executeTransaction', { body: { operations } });
  return result.ok ? null : result.error;
}

describe('operations that are executed together', () => {
  it('come each on the state that those before it have left', () => {
    const cluster = clusterAt(2);
    const operations = [
      create('a', 15),
      grow('a', 40),
      remove('old'),
      create('old', 2),
      remove('a'),
      create('a'),
    ];
    expect(cluster.ok('executeTransaction', { body: { operations } })).toEqual({ operations: 6 });
    expect(namesIn(cluster)).toEqual(['a', 'old']);
    expect(allPartitions(cluster.image)).toHaveLength(3);
    expect(findSettledViolation(cluster.image)).toBeNull();
  });

  it('may be ten thousand', () => {
    const cluster = clusterAt(2);
    const operations = Array.from({ length: 10_000 }, (_, at) => create(`t-${at}`));
    expect(cluster.ok('executeTransaction', { body: { operations } })).toEqual({ operations: 10_000 });
    expect(topicByName(cluster.image.topic, 't-9999')).not.toBeNull();
  });

  it('are refused by the first that is refused, which is named', () => {
    const cluster = clusterAt(2);
    expect(refusal(cluster, [create('b'), create('c'), create('b')])).toMatchObject({
      code: 'TOPIC_ALREADY_EXISTS',
      message: 'Operation 2 (createTopic): The topic b exists.',
      details: { index: 2, operationId: 'createTopic' },
    });
    expect(refusal(clusterAt(2), [remove('old'), grow('old', 30)])?.details).toMatchObject({ index: 1 });
    expect(refusal(clusterAt(2), [create('d', 200_000)])?.code).toBe('INVALID_PARTITIONS');
  });

  it('are asked of the policies one by one', () => {
    const cluster = clusterAt(2);
    const asked: string[] = [];
    const createTopic = ({ topic, partitions }: { topic: string; partitions: number }): string | null => {
      asked.push(`${topic} ${partitions}`);
      return topic === 'forbidden' ? 'It is forbidden.' : null;
    };
    cluster.policies = { createTopic };
    expect(refusal(cluster, [create('a', 25), create('forbidden', 3)])).toMatchObject({
      code: 'POLICY_VIOLATION',
      details: { index: 1 },
    });
    expect(asked).toEqual(['a 25', 'forbidden 3']);
  });

  it('are refused as long as older controllers may have to read them', () => {
    expect(refusal(clusterAt(1), [create('a')])?.code).toBe('UNSUPPORTED_VERSION');
  });
});
