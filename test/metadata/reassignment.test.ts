import { describe, expect, it } from 'vitest';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { TestCluster } from './cluster.ts';
import { findSettledViolation } from './invariants.ts';

/** Brokers 1 to 5, and the topic a with one partition on 1, 2 and 3, which 1 leads. */
function led(): TestCluster {
  const cluster = new TestCluster();
  cluster.start(1, 2, 3, 4, 5);
  cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2, 3]] } });
  return cluster;
}

function alter(cluster: TestCluster, replicas: readonly number[] | null, changes: object = {}) {
  const partitions = [{ topic: 'a', partition: 0, replicas }];
  const [result] = cluster.ok('alterPartitionReassignments', { body: { partitions, ...changes } }).partitions;
  return result;
}

/** The error of a reassignment, which must change nothing, and what is said of it. */
function refusal(cluster: TestCluster, replicas: readonly number[] | null, changes: object = {}) {
  const end = cluster.image.endOffset;
  const result = alter(cluster, replicas, changes);
  expect(cluster.image.endOffset).toBe(end);
  return result;
}

/** The leader says who is in sync. */
function propose(cluster: TestCluster, ...isr: readonly number[]) {
  const row = cluster.partition('a');
  const epochOf = (id: number): number => cluster.image.broker.brokers.get(id)?.brokerEpoch ?? 0;
  const { topicId, leaderEpoch, partitionEpoch } = row;
  const newIsr = isr.map((brokerId) => ({ brokerId, brokerEpoch: epochOf(brokerId) }));
  const partitions = [{ topicId, partition: 0, leaderEpoch, partitionEpoch, newIsr }];
  const body = { brokerId: row.leader, brokerEpoch: epochOf(row.leader), partitions };
  return cluster.ok('alterPartition', { body }).partitions[0];
}

const atRest = { addingReplicas: [], removingReplicas: [] };

describe('a reassignment', () => {
  it('keeps the old replicas until the new ones are in sync, and ends in the batch in which they are', () => {
    const cluster = led();
    expect(alter(cluster, [2, 4, 5])).toEqual({ topic: 'a', partition: 0, code: null, message: null });
    const begun = { replicas: [2, 4, 5, 1, 3], addingReplicas: [4, 5], removingReplicas: [1, 3] };
    expect(cluster.partition('a')).toMatchObject({ ...begun, isr: [1, 2, 3], leader: 1, leaderEpoch: 0 });
    expect(propose(cluster, 1, 2, 3, 4)).toMatchObject({ code: null, isr: [1, 2, 3, 4] });
    expect(cluster.partition('a')).toMatchObject(begun);
    const end = cluster.image.endOffset;
    propose(cluster, 1, 2, 3, 4, 5);
    expect(cluster.image.endOffset).toBe(end + 1);
    expect(cluster.partition('a')).toMatchObject({
      ...atRest,
      replicas: [2, 4, 5],
      isr: [2, 4, 5],
      leader: 2,
    });
    expect(findSettledViolation(cluster.image)).toBeNull();
  });

  it('tells a leader that is removed by it that another leads now', () => {
    const cluster = led();
    alter(cluster, [2, 3, 4]);
    expect(propose(cluster, 1, 2, 3, 4)).toMatchObject({
      code: 'NEW_LEADER_ELECTED',
      leader: 2,
      leaderEpoch: 1,
      partitionEpoch: 2,
      isr: [2, 3, 4],
    });
    expect(cluster.partition('a')).toMatchObject({ leader: 2, leaderEpoch: 1, partitionEpoch: 2 });
  });

  it('leaves the leader and its epoch alone where it stays', () => {
    const cluster = led();
    alter(cluster, [2, 1, 4]);
    const result = propose(cluster, 1, 2, 3, 4);
    expect(result).toMatchObject({ code: null, leader: 1, leaderEpoch: 0, isr: [1, 2, 4] });
    expect(cluster.partition('a')).toMatchObject({
      ...atRest,
      replicas: [2, 1, 4],
      leader: 1,
      leaderEpoch: 0,
    });
  });

  it('is through at once where nobody is added: replicas go, or stand in another order', () => {
    const cluster = led();
    alter(cluster, [3, 2]);
    expect(cluster.partition('a')).toMatchObject({ ...atRest, replicas: [3, 2], isr: [2, 3], leader: 3 });
    const { leaderEpoch } = cluster.partition('a');
    alter(cluster, [2, 3]);
    expect(cluster.partition('a')).toMatchObject({ ...atRest, replicas: [2, 3], leader: 3, leaderEpoch });
  });

  it('waits where nobody who stays is in sync, and ends when one is', () => {
    const cluster = led();
    propose(cluster, 1);
    alter(cluster, [2, 3]);
    expect(cluster.partition('a')).toMatchObject({ removingReplicas: [1], isr: [1], leader: 1 });
    expect(propose(cluster, 1, 2)).toMatchObject({ code: 'NEW_LEADER_ELECTED', leader: 2 });
    expect(cluster.partition('a')).toMatchObject({ ...atRest, replicas: [2, 3], isr: [2], leader: 2 });
  });

  it('writes nothing where everything is as asked for already', () => {
    const cluster = led();
    expect(refusal(cluster, [1, 2, 3])?.code).toBeNull();
    alter(cluster, [1, 2, 4]);
    expect(refusal(cluster, [1, 2, 4])?.code).toBeNull();
  });

  it('keeps the directories of the replicas that stay', () => {
    const cluster = led();
    const { topicId } = cluster.partition('a');
    alter(cluster, [3, 4]);
    const row = cluster.image.topic.topics.get(topicId);
    expect(row?.name).toBe('a');
    expect(cluster.partition('a').replicas).toEqual([3, 4, 1, 2]);
  });
});

describe('another reassignment while one is under way', () => {
  it('replaces it, and what only the first has added goes at once, from the ISR, too', () => {
    const cluster = led();
    alter(cluster, [1, 4, 5]);
    propose(cluster, 1, 2, 3, 4);
    alter(cluster, [1, 2, 5]);
    expect(cluster.partition('a')).toMatchObject({
      replicas: [1, 2, 5, 3],
      addingReplicas: [5],
      removingReplicas: [3],
      isr: [1, 2, 3],
      leader: 1,
    });
  });

  it('moves the lead off a broker that goes at once', () => {
    const cluster = led();
    alter(cluster, [4, 5, 1]);
    propose(cluster, 1, 2, 3, 4);
    cluster.expire(expireBrokerSessions, 1);
    expect(cluster.partition('a')).toMatchObject({ leader: 4, isr: [2, 3, 4] });
    alter(cluster, [2, 5]);
    expect(cluster.partition('a')).toMatchObject({ replicas: [2, 5, 1, 3], isr: [2, 3], leader: 2 });
  });

  it('is refused where it would leave nobody in sync', () => {
    const cluster = led();
    alter(cluster, [4, 5, 1]);
    propose(cluster, 1, 4);
    cluster.expire(expireBrokerSessions, 1);
    expect(cluster.partition('a').isr).toEqual([4]);
    const refused = refusal(cluster, [2, 5]);
    expect(refused?.code).toBe('INVALID_REPLICA_ASSIGNMENT');
    expect(refused?.message).toContain(
      'nobody of [2,5,1,3] who is in sync, or eligible, can lead, and [4] would be lost',
    );
  });
});

describe('cancelling a reassignment', () => {
  it('goes back to the original replicas, whatever has replaced the first target', () => {
    const cluster = led();
    alter(cluster, [1, 4, 5]);
    propose(cluster, 1, 2, 3, 4);
    alter(cluster, [5, 1]);
    expect(alter(cluster, null)?.code).toBeNull();
    const { replicas, isr, leader } = cluster.partition('a');
    expect([new Set(replicas), isr, leader]).toEqual([new Set([1, 2, 3]), [1, 2, 3], 1]);
    expect(cluster.partition('a')).toMatchObject(atRest);
  });

  it('is refused where there is none', () => {
    const cluster = led();
    expect(refusal(cluster, null)?.code).toBe('NO_REASSIGNMENT_IN_PROGRESS');
  });

  it('is refused, by name, where no original replica is in sync', () => {
    const cluster = led();
    alter(cluster, [4, 5, 1]);
    propose(cluster, 1, 4);
    cluster.expire(expireBrokerSessions, 1);
    const refused = refusal(cluster, null);
    expect(refused?.code).toBe('INVALID_REPLICA_ASSIGNMENT');
    expect(refused?.message).toContain(
      'nobody of [1,2,3] who is in sync, or eligible, can lead, and [4] would be lost',
    );
  });

  it('is possible where nobody leads: the last in sync is one of the originals', () => {
    const cluster = led();
    propose(cluster, 1);
    alter(cluster, [4, 5]);
    cluster.expire(expireBrokerSessions, 1);
    expect(cluster.partition('a').leader).toBe(-1);
    expect(alter(cluster, null)?.code).toBeNull();
    expect(cluster.partition('a')).toMatchObject({ ...atRest, isr: [1], leader: -1 });
  });
});

describe('a reassignment that is refused', () => {
  it('names nobody, somebody twice, or somebody who is gone, fenced or leaving', () => {
    const cluster = led();
    const said = (replicas: readonly number[]): unknown => {
      const refused = refusal(cluster, replicas);
      return [refused?.code, refused?.message];
    };
    const invalid = 'INVALID_REPLICA_ASSIGNMENT';
    expect(said([])).toEqual([invalid, 'It names no broker.']);
    expect(said([1, 1])).toEqual([invalid, 'It names a broker twice.']);
    expect(said([1, 9])).toEqual([invalid, 'Broker 9 is not registered.']);
    cluster.expire(expireBrokerSessions, 4);
    expect(said([1, 4])).toEqual([invalid, 'Broker 4 is fenced.']);
    cluster.ok('createTopic', { body: { name: 'b', assignments: [[5, 1]] } });
    cluster.heartbeat(5, { wantShutDown: true });
    expect(said([1, 5])).toEqual([invalid, 'Broker 5 is in controlled shutdown.']);
    const many = Array.from({ length: 60 }, (_, at) => 100 + at);
    expect(said(many)).toMatchObject([invalid, expect.stringContaining('replicasPerPartitionMax')]);
  });

  it('may name a fenced broker that has a replica already', () => {
    const cluster = led();
    cluster.expire(expireBrokerSessions, 3);
    expect(alter(cluster, [3, 4])?.code).toBeNull();
    expect(cluster.partition('a')).toMatchObject({ replicas: [3, 4, 1, 2], isr: [1, 2] });
  });

  it('changes the number of replicas where that is not allowed', () => {
    const cluster = led();
    const fixed = { allowReplicationFactorChange: false };
    expect(refusal(cluster, [1, 2], fixed)?.code).toBe('INVALID_REPLICATION_FACTOR');
    expect(alter(cluster, [1, 2, 4], fixed)?.code).toBeNull();
  });

  it('does not hold the others of the same request back', () => {
    const cluster = led();
    const partitions = [
      { topic: 'a', partition: 0, replicas: [1, 2, 4] },
      { topic: 'a', partition: 0, replicas: [1, 2, 5] },
      { topic: 'a', partition: 1, replicas: [1, 2, 5] },
      { topic: 'none', partition: 0, replicas: null },
    ];
    const { partitions: results } = cluster.ok('alterPartitionReassignments', { body: { partitions } });
    expect(results.map(({ code }) => code)).toEqual([
      null,
      'INVALID_REQUEST',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ]);
    expect(cluster.partition('a').addingReplicas).toEqual([4]);
  });
});

describe('what happens to a partition while it is reassigned', () => {
  it('does not end it when the adding replica is fenced, and lets it come back and end it', () => {
    const cluster = led();
    alter(cluster, [1, 2, 4]);
    cluster.expire(expireBrokerSessions, 4);
    const [refused] = [propose(cluster, 1, 2, 3, 4)];
    expect(refused?.code).toBe('INELIGIBLE_REPLICA');
    cluster.heartbeat(4);
    expect(cluster.partition('a').addingReplicas).toEqual([4]);
    propose(cluster, 1, 2, 3, 4);
    expect(cluster.partition('a')).toMatchObject({ ...atRest, replicas: [1, 2, 4] });
  });

  it('lets a replica that is removed lead until then, also one that alone was in sync and comes back', () => {
    const cluster = led();
    propose(cluster, 1);
    alter(cluster, [2, 4]);
    cluster.expire(expireBrokerSessions, 1);
    cluster.heartbeat(1);
    expect(cluster.partition('a')).toMatchObject({ leader: 1, isr: [1], removingReplicas: [1, 3] });
    propose(cluster, 1, 2, 4);
    expect(cluster.partition('a')).toMatchObject({ ...atRest, replicas: [2, 4], isr: [2, 4], leader: 2 });
  });

  it('moves the lead in a controlled shutdown, and nothing else', () => {
    const cluster = led();
    alter(cluster, [1, 2, 4]);
    cluster.heartbeat(1, { wantShutDown: true });
    expect(cluster.partition('a')).toMatchObject({ leader: 2, isr: [2, 3], addingReplicas: [4] });
    propose(cluster, 2, 3, 4);
    expect(cluster.partition('a')).toMatchObject({ ...atRest, replicas: [1, 2, 4], isr: [2, 4], leader: 2 });
  });

  it('takes members out of the ISR that fencing has not come to yet', () => {
    const cluster = led();
    cluster.isPaused = true;
    cluster.expire(expireBrokerSessions, 3);
    cluster.step();
    cluster.isPaused = false;
    alter(cluster, [3, 1]);
    const { replicas, isr } = cluster.partition('a');
    expect([replicas, isr]).toEqual([[3, 1], [1]]);
    cluster.drain();
    expect(findSettledViolation(cluster.image)).toBeNull();
  });

  it('gives new partitions as many replicas as the first one will have', () => {
    const cluster = led();
    alter(cluster, [1, 4]);
    expect(cluster.partition('a').replicas).toHaveLength(4);
    cluster.ok('addPartitions', { params: { topic: 'a' }, body: { count: 2 } });
    expect(cluster.partition('a', 1).replicas).toHaveLength(2);
    expect(cluster.ok('describeTopic', { params: { topic: 'a' } }).replicationFactor).toBe(2);
  });

  it('is listed as long as it is under way, and goes with its topic', () => {
    const cluster = led();
    const listed = () => cluster.ok('listPartitionReassignments', {}).partitions;
    alter(cluster, [1, 2, 4]);
    expect(listed()).toMatchObject([
      { topic: 'a', partition: 0, addingReplicas: [4], removingReplicas: [3] },
    ]);
    expect(cluster.code('listPartitionReassignments', { query: { continue: 'x' } })).toBe('INVALID_REQUEST');
    cluster.ok('deleteTopic', { params: { topic: 'a' } });
    expect(listed()).toEqual([]);
  });
});
