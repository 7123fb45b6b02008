import { describe, expect, it } from 'vitest';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { limits } from '../../src/metadata/limits.ts';
import { TestCluster } from './cluster.ts';
import { allPartitions, findSettledViolation } from './invariants.ts';

/** Four brokers in the racks a, b, a and b. */
function cluster(): TestCluster {
  const made = new TestCluster();
  for (const id of [1, 2, 3, 4]) {
    made.register(id, id, 'ab'.charAt((id - 1) % 2));
    made.heartbeat(id);
  }
  return made;
}

type Config = readonly [name: string, value: string];

function topic(
  made: TestCluster,
  assignments: readonly (readonly number[])[],
  ...configs: readonly Config[]
): void {
  const set = configs.map(([name, value]) => ({ name, value }));
  made.ok('createTopic', { body: { name: 'a', assignments, configs: set } });
}

function drain(made: TestCluster, brokerId: number, body: object = {}) {
  return made.ok('drainBroker', { params: { brokerId }, body });
}

function onlyBlocker(made: TestCluster, brokerId: number) {
  const { blockers, reassigned } = drain(made, brokerId);
  expect([blockers.length, reassigned]).toEqual([1, 0]);
  return blockers[0];
}

/** Every leader says that all its replicas are in sync. */
function catchUp(made: TestCluster): void {
  const epochOf = (id: number): number => made.image.broker.brokers.get(id)?.brokerEpoch ?? 0;
  for (const { topicId, partitionId, leader, leaderEpoch, partitionEpoch, replicas } of allPartitions(
    made.image,
  )) {
    const newIsr = replicas.map((brokerId) => ({ brokerId, brokerEpoch: epochOf(brokerId) }));
    const proposal = { topicId, partition: partitionId, leaderEpoch, partitionEpoch, newIsr };
    made.ok('alterPartition', {
      body: { brokerId: leader, brokerEpoch: epochOf(leader), partitions: [proposal] },
    });
  }
}

describe('draining a broker', () => {
  it('cordons it and moves each replica to the rack and the broker with the fewest, in its place', () => {
    const made = cluster();
    topic(made, [
      [1, 2],
      [2, 1],
      [3, 1],
      [2, 4],
    ]);
    expect(drain(made, 1)).toEqual({
      brokerId: 1,
      replicaCount: 3,
      reassigned: 3,
      moving: 0,
      blockers: [],
      continue: null,
    });
    expect(made.ok('describeBroker', { params: { brokerId: 1 } }).isCordoned).toBe(true);
    expect(made.partition('a', 0)).toMatchObject({
      replicas: [3, 2, 1],
      addingReplicas: [3],
      removingReplicas: [1],
    });
    expect(made.partition('a', 2).addingReplicas).toEqual([4]);
    expect(drain(made, 1)).toMatchObject({ reassigned: 0, moving: 3 });
    catchUp(made);
    expect(drain(made, 1)).toMatchObject({ replicaCount: 0, reassigned: 0, moving: 0 });
    expect(allPartitions(made.image).flatMap(({ replicas }) => replicas)).not.toContain(1);
    expect(findSettledViolation(made.image)).toBeNull();
  });

  it('takes back what was being added to it', () => {
    const made = cluster();
    topic(made, [[2, 4]]);
    const partitions = [{ topic: 'a', partition: 0, replicas: [1, 2] }];
    made.ok('alterPartitionReassignments', { body: { partitions } });
    expect(drain(made, 1)).toMatchObject({ reassigned: 1, replicaCount: 1 });
    expect(made.partition('a').replicas).not.toContain(1);
  });

  it('plans what one call may, and goes on where it ended or begins anew', () => {
    const made = cluster();
    const count = limits.drainChangesMax + 20;
    topic(
      made,
      Array.from({ length: count }, () => [1, 2]),
    );
    const first = drain(made, 1);
    expect([first.reassigned, first.continue]).toEqual([limits.drainChangesMax, expect.any(String)]);
    expect(drain(made, 1, { continue: first.continue })).toMatchObject({ reassigned: 20, continue: null });
    expect(drain(made, 1)).toMatchObject({ reassigned: 0, moving: count, continue: null });
    expect(made.code('drainBroker', { params: { brokerId: 1 }, body: { continue: 'x' } })).toBe(
      'INVALID_REQUEST',
    );
  });

  it('gives the brokers that take replicas equally many', () => {
    const made = cluster();
    topic(
      made,
      Array.from({ length: 30 }, () => [1]),
    );
    drain(made, 1);
    const added = allPartitions(made.image).flatMap(({ addingReplicas }) => addingReplicas);
    const counts = [2, 3, 4].map((id) => added.filter((each) => each === id).length);
    expect(counts).toEqual([10, 10, 10]);
  });
});

describe('what stands in the way of a drain', () => {
  it('is that nobody leads', () => {
    const made = cluster();
    topic(made, [[1]]);
    made.expire(expireBrokerSessions, 1);
    expect(onlyBlocker(made, 1)).toMatchObject({ topic: 'a', partition: 0, code: 'NO_LEADER' });
  });

  it('is that no broker is left, by the state of brokers or by a rule that is named', () => {
    const made = cluster();
    topic(made, [[1, 2, 3]], ['ottla.placement.avoid.brokers', '4']);
    expect(onlyBlocker(made, 1)).toEqual({
      topic: 'a',
      partition: 0,
      code: 'NO_BROKER_LEFT',
      message: 'No other broker can take it: ottla.placement.avoid.brokers names broker 4.',
    });
    made.expire(expireBrokerSessions, 4);
    expect(onlyBlocker(made, 1)?.message).toContain('is fenced, leaves or is cordoned');
  });

  it('is that a rule wants more racks', () => {
    const made = cluster();
    topic(made, [[1, 2]], ['ottla.placement.racks', 'a,b']);
    made.ok('cordonBroker', { params: { brokerId: 3 } });
    expect(onlyBlocker(made, 1)).toMatchObject({
      code: 'NOT_ENOUGH_RACKS',
      message: expect.stringContaining('wants replicas in 2 racks, and [2,4] stand in 1'),
    });
    made.ok('uncordonBroker', { params: { brokerId: 3 } });
    expect(drain(made, 1)).toMatchObject({ reassigned: 1, blockers: [] });
  });

  it('is that others are out of sync, so that the ISR would be below its minimum', () => {
    const made = cluster();
    topic(made, [[1, 2, 3]], ['min.insync.replicas', '2']);
    made.expire(expireBrokerSessions, 2, 3);
    expect(made.partition('a').isr).toEqual([1]);
    expect(onlyBlocker(made, 1)).toMatchObject({
      code: 'BELOW_MIN_ISR',
      message: expect.stringContaining('min.insync.replicas is 2: [2,3] must be in sync first'),
    });
  });

  it('is that the only replica in sync is one which a reassignment has just added', () => {
    const made = cluster();
    topic(made, [[2, 3]]);
    const partitions = [{ topic: 'a', partition: 0, replicas: [1, 4, 2] }];
    made.ok('alterPartitionReassignments', { body: { partitions } });
    const row = made.partition('a');
    const epochOf = (id: number): number => made.image.broker.brokers.get(id)?.brokerEpoch ?? 0;
    const newIsr = [1, 2].map((brokerId) => ({ brokerId, brokerEpoch: epochOf(brokerId) }));
    const proposal = {
      topicId: row.topicId,
      partition: 0,
      leaderEpoch: 0,
      partitionEpoch: row.partitionEpoch,
      newIsr,
    };
    made.ok('alterPartition', { body: { brokerId: 2, brokerEpoch: epochOf(2), partitions: [proposal] } });
    made.expire(expireBrokerSessions, 2);
    expect(made.partition('a').isr).toEqual([1]);
    expect(onlyBlocker(made, 1)?.code).toBe('NOT_IN_SYNC');
  });

  it('does not hold the other partitions back, and changes nothing by itself', () => {
    const made = cluster();
    topic(made, [[1, 2]], ['ottla.placement.racks', 'a,b']);
    made.ok('createTopic', { body: { name: 'b', assignments: [[1]] } });
    made.ok('cordonBroker', { params: { brokerId: 3 } });
    const { reassigned, blockers } = drain(made, 1);
    expect([reassigned, blockers.map(({ topic: name, code }) => [name, code])]).toEqual([
      1,
      [['a', 'NOT_ENOUGH_RACKS']],
    ]);
    expect(made.partition('a', 0)).toMatchObject({ replicas: [1, 2], addingReplicas: [] });
  });

  it('is named a few at a time, each in short, so that the answer can be remembered under a key', () => {
    const made = cluster();
    const racks = Array.from({ length: 60 }, (_, at) => `rack-${at}`);
    topic(
      made,
      Array.from({ length: 12 }, () => [1]),
      ['user.note', 'none'],
    );
    made.ok('alterConfig', {
      params: { resourceType: 'topic', resourceName: 'a' },
      body: { changes: [{ name: 'ottla.placement.racks', operation: 'set', value: racks.join() }] },
    });
    const found: number[] = [];
    for (let next: string | null = '0'; next !== null; ) {
      const answer = drain(made, 1, { continue: next });
      expect(answer.blockers.length).toBeLessThanOrEqual(limits.drainBlockersMax);
      for (const { partition, message } of answer.blockers) {
        found.push(partition);
        expect(message.length).toBeLessThanOrEqual(limits.drainMessageLengthMax);
      }
      next = answer.continue;
    }
    expect(found).toEqual(Array.from({ length: 12 }, (_, at) => at));
  });

  it('is not there for a broker that nobody knows', () => {
    expect(cluster().code('drainBroker', { params: { brokerId: 9 }, body: {} })).toBe(
      'BROKER_ID_NOT_REGISTERED',
    );
  });
});
