import { describe, expect, it } from 'vitest';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { TestCluster } from './cluster.ts';
import { allPartitions } from './invariants.ts';

/** Six brokers, two in each of the racks a, b and c: 1 and 4, 2 and 5, 3 and 6. */
function racks(): TestCluster {
  const cluster = new TestCluster();
  for (const id of [1, 2, 3, 4, 5, 6]) {
    cluster.register(id, id, 'abc'.charAt((id - 1) % 3));
    cluster.heartbeat(id);
  }
  return cluster;
}

const rule = { racks: 'ottla.placement.racks', avoid: 'ottla.placement.avoid.brokers' };

function create(changes: object, ...configs: readonly (readonly [name: string, value: string])[]) {
  const set = configs.map(([name, value]) => ({ name, value }));
  return { body: { name: 'a', configs: set, ...changes } };
}

/** The refusal of a creation, as it names the rule. */
function refusal(cluster: TestCluster, input: { readonly body: object }): readonly unknown[] {
  const result = cluster.run('createTopic', input);
  return result.ok ? [] : [result.error.code, result.error.message, result.error.details];
}

describe('the placement rules of a topic', () => {
  it('keep its replicas in the racks that it names, one in each as far as they go', () => {
    const cluster = racks();
    cluster.ok('createTopic', create({ partitions: 20, replicationFactor: 2 }, [rule.racks, 'a, c']));
    for (const { replicas } of allPartitions(cluster.image)) {
      expect(replicas.map((id) => id % 3).toSorted((left, right) => left - right)).toEqual([0, 1]);
    }
  });

  it('keep them off the brokers that it avoids, also when it grows', () => {
    const cluster = racks();
    cluster.ok('createTopic', create({ partitions: 10, replicationFactor: 3 }, [rule.avoid, '1,2']));
    cluster.ok('addPartitions', { params: { topic: 'a' }, body: { count: 20 } });
    const used = new Set(allPartitions(cluster.image).flatMap(({ replicas }) => replicas));
    expect([used.has(1), used.has(2), used.size]).toEqual([false, false, 4]);
  });

  it('count in how many replicas there are when nobody says', () => {
    const cluster = racks();
    expect(cluster.ok('createTopic', create({}, [rule.racks, 'b'])).replicationFactor).toBe(2);
  });

  it('refuse a creation for which there are too few brokers, and name the rule', () => {
    const cluster = racks();
    const [code, message, details] = refusal(cluster, create({ replicationFactor: 3 }, [rule.racks, 'a']));
    expect([code, details]).toEqual(['POLICY_VIOLATION', { rule: rule.racks }]);
    expect(message).toContain(
      '2 brokers can take replicas: ottla.placement.racks is a, and broker 2 stands in rack b',
    );
    expect(refusal(cluster, create({ replicationFactor: 5 }, [rule.avoid, '3,6']))).toEqual([
      'POLICY_VIOLATION',
      expect.stringContaining('ottla.placement.avoid.brokers names broker 3'),
      { rule: rule.avoid },
    ]);
    expect(refusal(cluster, create({ replicationFactor: 7 }, [rule.avoid, '3']))[0]).toBe(
      'INVALID_REPLICATION_FACTOR',
    );
  });

  it('refuse a creation that too few racks have brokers for', () => {
    const cluster = racks();
    expect(refusal(cluster, create({ replicationFactor: 3 }, [rule.racks, 'a,b,d']))).toEqual([
      'POLICY_VIOLATION',
      expect.stringMatching(
        /ottla\.placement\.racks is a,b,d, which wants replicas in 3 racks, and \[.+\] stand in 2/,
      ),
      { rule: rule.racks },
    ]);
  });

  it('hold for assignments that are given, at creation and growth', () => {
    const cluster = racks();
    const avoiding = refusal(cluster, create({ assignments: [[1, 2]] }, [rule.avoid, '2']));
    expect(avoiding.slice(0, 2)).toEqual([
      'POLICY_VIOLATION',
      'ottla.placement.avoid.brokers names broker 2.',
    ]);
    cluster.ok('createTopic', create({ assignments: [[1, 2]] }, [rule.racks, 'a,b']));
    const grow = (assignment: readonly number[]): object => {
      return { params: { topic: 'a' }, body: { count: 2, assignments: [assignment] } };
    };
    expect(cluster.code('addPartitions', grow([1, 4]))).toBe('POLICY_VIOLATION');
    expect(cluster.code('addPartitions', grow([1, 3]))).toBe('POLICY_VIOLATION');
    cluster.ok('addPartitions', grow([4, 5]));
  });

  it('are configs: brokers are named by their ids', () => {
    const cluster = racks();
    for (const value of ['one', '-1', '1,,x']) {
      expect(refusal(cluster, create({}, [rule.avoid, value]))[0]).toBe('INVALID_CONFIG');
    }
    cluster.ok('createTopic', create({}, [rule.avoid, ' 1 , 2 ']));
  });
});

describe('a cordoned broker', () => {
  it('gets no new replica by placement, by assignment or by reassignment, and keeps those that it has', () => {
    const cluster = racks();
    cluster.ok('createTopic', { body: { name: 'before', assignments: [[1, 2]] } });
    expect(cluster.ok('cordonBroker', { params: { brokerId: 1 } })).toMatchObject({
      brokerId: 1,
      isCordoned: true,
    });
    cluster.ok('createTopic', { body: { name: 'a', partitions: 30, replicationFactor: 3 } });
    const topicId = cluster.ok('describeTopic', { params: { topic: 'a' } }).topicId;
    const placed = allPartitions(cluster.image).filter((row) => row.topicId === topicId);
    expect(placed.flatMap(({ replicas }) => replicas)).not.toContain(1);
    expect(cluster.code('createTopic', { body: { name: 'b', assignments: [[1]] } })).toBe(
      'INVALID_REPLICA_ASSIGNMENT',
    );
    expect(cluster.code('createTopic', { body: { name: 'b', replicationFactor: 6 } })).toBe(
      'INVALID_REPLICATION_FACTOR',
    );
    const partitions = [
      { topic: 'a', partition: 0, replicas: [1, 2] },
      { topic: 'before', partition: 0, replicas: [2, 1] },
    ];
    const results = cluster.ok('alterPartitionReassignments', { body: { partitions } }).partitions;
    expect(results.map(({ code, message }) => [code, message])).toEqual([
      ['INVALID_REPLICA_ASSIGNMENT', 'Broker 1 is cordoned.'],
      [null, null],
    ]);
    expect(cluster.partition('before')).toMatchObject({ replicas: [2, 1], isr: [1, 2], leader: 1 });
  });

  it('is one by its config, or by that of all brokers, whatever set it', () => {
    const cluster = racks();
    const described = (id: number) => cluster.ok('describeBroker', { params: { brokerId: id } }).isCordoned;
    const configure = (resourceName: string, value: string) =>
      cluster.run('alterConfig', {
        params: { resourceType: 'broker', resourceName },
        body: { changes: [{ name: 'cordoned.log.dirs', operation: 'set', value }] },
      });
    expect(configure('2', '/data').ok).toBe(false);
    configure('2', '*');
    expect([described(1), described(2)]).toEqual([false, true]);
    configure('default', '*');
    cluster.ok('uncordonBroker', { params: { brokerId: 2 } });
    expect([described(1), described(2)]).toEqual([true, false]);
    const end = cluster.image.endOffset;
    cluster.ok('uncordonBroker', { params: { brokerId: 2 } });
    expect(cluster.image.endOffset).toBe(end);
    cluster.expire(expireBrokerSessions, 2);
    cluster.register(2, 22, 'b');
    expect(described(2)).toBe(false);
  });

  it('shows by its tag that it has become one', () => {
    const cluster = racks();
    const before = cluster.ok('describeBroker', { params: { brokerId: 1 } }).lastModified;
    cluster.ok('cordonBroker', { params: { brokerId: 1 } });
    expect(cluster.ok('describeBroker', { params: { brokerId: 1 } }).lastModified).toBeGreaterThan(before);
  });

  it('leads again after it was away, and counts for nothing where all others are fenced', () => {
    const cluster = racks();
    cluster.ok('createTopic', { body: { name: 'before', assignments: [[1]] } });
    cluster.ok('cordonBroker', { params: { brokerId: 1 } });
    cluster.expire(expireBrokerSessions, 1, 2, 3, 4, 5, 6);
    cluster.heartbeat(1);
    expect(cluster.partition('before').leader).toBe(1);
    expect(cluster.code('createTopic', { body: { name: 'b', replicationFactor: 1 } })).toBe(
      'INVALID_REPLICATION_FACTOR',
    );
  });
});
