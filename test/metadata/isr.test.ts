import { describe, expect, it } from 'vitest';
import { uuid } from '../../src/base/brands.ts';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { TestCluster } from './cluster.ts';

function led(): TestCluster {
  const cluster = new TestCluster();
  cluster.start(1, 2, 3);
  cluster.ok('createTopic', {
    body: {
      name: 'a',
      assignments: [
        [1, 2, 3],
        [1, 2, 3],
      ],
    },
  });
  return cluster;
}

function proposal(cluster: TestCluster, isr: readonly number[], change: object = {}, partition = 0) {
  const row = cluster.partition('a', partition);
  return {
    topicId: row.topicId,
    partition,
    leaderEpoch: row.leaderEpoch,
    partitionEpoch: row.partitionEpoch,
    newIsr: isr.map((id) => ({ brokerId: id, brokerEpoch: epochOf(cluster, id) })),
    ...change,
  };
}

function epochOf(cluster: TestCluster, id: number): number {
  return cluster.image.broker.brokers.get(id)?.brokerEpoch ?? 0;
}

function alter(cluster: TestCluster, partitions: readonly object[], leader = 1) {
  const body = { brokerId: leader, brokerEpoch: epochOf(cluster, leader), partitions };
  return cluster.ok('alterPartition', { body }).partitions;
}

/** The error of a proposal for one partition, which must change nothing. */
function refusal(cluster: TestCluster, partition: object, leader = 1): string | null | undefined {
  const end = cluster.image.endOffset;
  const results = alter(cluster, [partition], leader);
  expect(cluster.image.endOffset).toBe(end);
  return results[0]?.code;
}

describe('altering an ISR', () => {
  it('shrinks and grows it under the leader, without a new leader epoch', () => {
    const cluster = led();
    const [result] = alter(cluster, [proposal(cluster, [1, 3])]);
    expect(result).toMatchObject({ code: null, isr: [1, 3], partitionEpoch: 1, leaderEpoch: 0, leader: 1 });
    expect(cluster.partition('a')).toMatchObject({
      isr: [1, 3],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 1,
    });
    alter(cluster, [proposal(cluster, [1, 2, 3])]);
    expect(cluster.partition('a')).toMatchObject({ isr: [1, 2, 3], partitionEpoch: 2 });
  });

  it('judges each partition of a request for itself', () => {
    const cluster = led();
    const stale = proposal(cluster, [1], { partitionEpoch: 0 });
    alter(cluster, [proposal(cluster, [1, 2])]);
    const results = alter(cluster, [stale, proposal(cluster, [1, 3], {}, 1)]);
    expect(results.map((result) => result.code)).toEqual(['INVALID_UPDATE_VERSION', null]);
    expect(cluster.partition('a', 1).isr).toEqual([1, 3]);
  });

  it('raises the partition epoch for the ISR that stands, so that what was proposed before can do nothing more', () => {
    const cluster = led();
    const { partitionEpoch } = cluster.partition('a');
    const earlier = proposal(cluster, [1, 2]);
    const [result] = alter(cluster, [proposal(cluster, [1, 2, 3])]);
    expect(result).toMatchObject({ code: null, isr: [1, 2, 3], partitionEpoch: partitionEpoch + 1 });
    expect(cluster.partition('a').partitionEpoch).toBe(partitionEpoch + 1);
    expect(refusal(cluster, earlier)).toBe('INVALID_UPDATE_VERSION');
  });

  it('is fenced by leader epoch, partition epoch and the identity of the leader', () => {
    const cluster = led();
    cluster.expire(expireBrokerSessions, 1);
    expect(refusal(cluster, proposal(cluster, [2], { leaderEpoch: 0 }), 2)).toBe('FENCED_LEADER_EPOCH');
    expect(refusal(cluster, proposal(cluster, [2], { partitionEpoch: 0 }), 2)).toBe('INVALID_UPDATE_VERSION');
    expect(refusal(cluster, proposal(cluster, [3]), 3)).toBe('INVALID_REQUEST');
  });

  it('does not act on a request that is ahead of this controller', () => {
    const cluster = led();
    expect(refusal(cluster, proposal(cluster, [1], { leaderEpoch: 1 }))).toBe('NOT_CONTROLLER');
    expect(refusal(cluster, proposal(cluster, [1], { partitionEpoch: 1 }))).toBe('NOT_CONTROLLER');
  });

  it('refuses members that are fenced, leaving, unknown or of another incarnation', () => {
    const cluster = led();
    alter(cluster, [proposal(cluster, [1])]);
    cluster.expire(expireBrokerSessions, 2);
    expect(refusal(cluster, proposal(cluster, [1, 2]))).toBe('INELIGIBLE_REPLICA');
    cluster.heartbeat(2);
    const earlier = epochOf(cluster, 3);
    cluster.expire(expireBrokerSessions, 3);
    cluster.register(3, 99);
    cluster.heartbeat(3);
    const newIsr = [
      { brokerId: 1, brokerEpoch: epochOf(cluster, 1) },
      { brokerId: 3, brokerEpoch: earlier },
    ];
    expect(refusal(cluster, proposal(cluster, [], { newIsr }))).toBe('INELIGIBLE_REPLICA');
  });

  it('refuses a member that is in controlled shutdown', () => {
    const cluster = led();
    cluster.ok('createTopic', { body: { name: 'b', assignments: [[3, 1]] } });
    cluster.heartbeat(3, { wantShutDown: true });
    expect(cluster.partition('a').isr).toEqual([1, 2]);
    expect(refusal(cluster, proposal(cluster, [1, 2, 3]))).toBe('INELIGIBLE_REPLICA');
  });

  it('refuses an ISR that is empty, has duplicates, a stranger, or lacks the leader', () => {
    const cluster = led();
    cluster.start(4);
    expect(refusal(cluster, proposal(cluster, []))).toBe('INVALID_ISR');
    expect(refusal(cluster, proposal(cluster, [1, 1]))).toBe('INVALID_ISR');
    expect(refusal(cluster, proposal(cluster, [1, 4]))).toBe('INVALID_ISR');
    expect(refusal(cluster, proposal(cluster, [2, 3]))).toBe('INVALID_REQUEST');
  });

  it('refuses unknown topics and partitions, and a partition that is named twice', () => {
    const cluster = led();
    const topicId = uuid('AAAAAAAAQACAAAAAAAAAAg');
    expect(refusal(cluster, proposal(cluster, [1], { topicId }))).toBe('UNKNOWN_TOPIC_ID');
    expect(refusal(cluster, proposal(cluster, [1], { partition: 7 }))).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    const twice = alter(cluster, [proposal(cluster, [1]), proposal(cluster, [1, 2])]);
    expect(twice.map((result) => result.code)).toEqual([null, 'INVALID_REQUEST']);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], partitionEpoch: 1 });
  });

  it('lets a leader that recovered not go back, and one that recovers be alone', () => {
    const cluster = led();
    expect(refusal(cluster, proposal(cluster, [1], { leaderRecoveryState: 1 }))).toBe('INVALID_REQUEST');
  });

  it('refuses the whole request of an unknown broker or an earlier incarnation', () => {
    const cluster = led();
    const partitions = [proposal(cluster, [1])];
    const code = (brokerId: number, brokerEpoch: number): string =>
      cluster.code('alterPartition', { body: { brokerId, brokerEpoch, partitions } });
    expect(code(9, 0)).toBe('BROKER_ID_NOT_REGISTERED');
    expect(code(1, epochOf(cluster, 1) + 1)).toBe('STALE_BROKER_EPOCH');
  });

  it('tells partitions beyond one batch that nothing was tried', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    const assignments = Array.from({ length: 5_001 }, () => [1, 2]);
    cluster.ok('createTopic', { body: { name: 'a', assignments } });
    const partitions = assignments.map((_, partition) => proposal(cluster, [1], {}, partition));
    const results = alter(cluster, partitions);
    expect(results.filter((result) => result.code === null)).toHaveLength(5_000);
    expect(results.at(-1)?.code).toBe('OPERATION_NOT_ATTEMPTED');
    expect(cluster.partition('a', 5_000).isr).toEqual([1, 2]);
  });
});
