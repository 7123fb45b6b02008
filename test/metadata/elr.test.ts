import { describe, expect, it } from 'vitest';
import { compareNumbers } from '../../src/base/compare.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { eligibleAfter } from '../../src/metadata/resources/topic/leadership.ts';
import { TestCluster } from './cluster.ts';
import { findSettledViolation } from './invariants.ts';

/** Three replicas, of which two must be in sync; `configs` of the topic. */
function led(minIsr: string | null = '2', metadataVersion?: number): TestCluster {
  const cluster = new TestCluster(builtInRegistry, metadataVersion);
  cluster.start(1, 2, 3);
  const configs = minIsr === null ? [] : [{ name: 'min.insync.replicas', value: minIsr }];
  cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2, 3]], configs } });
  return cluster;
}

function expire(cluster: TestCluster, ...ids: number[]): void {
  cluster.expire(expireBrokerSessions, ...ids);
  expect(findSettledViolation(cluster.image)).toBeNull();
}

function comesBack(cluster: TestCluster, id: number): void {
  cluster.heartbeat(id);
  expect(findSettledViolation(cluster.image)).toBeNull();
}

function shrink(cluster: TestCluster, isr: readonly number[]) {
  const { topicId, leader, leaderEpoch, partitionEpoch } = cluster.partition('a');
  const epochOf = (id: number): number => cluster.image.broker.brokers.get(id)?.brokerEpoch ?? 0;
  const newIsr = isr.map((brokerId) => ({ brokerId, brokerEpoch: epochOf(brokerId) }));
  const proposal = { topicId, partition: 0, leaderEpoch, partitionEpoch, newIsr };
  const body = { brokerId: leader, brokerEpoch: epochOf(leader), partitions: [proposal] };
  return cluster.ok('alterPartition', { body }).partitions[0];
}

function setMinIsr(cluster: TestCluster, value: string, resourceType = 'topic', resourceName = 'a') {
  const changes = [{ name: 'min.insync.replicas', operation: 'set', value }];
  return cluster.ok('alterConfig', { params: { resourceType, resourceName }, body: { changes } });
}

describe('eligible leader replicas', () => {
  it('are those who leave the ISR when that falls below min ISR', () => {
    const cluster = led();
    expire(cluster, 3);
    expect(cluster.partition('a')).toMatchObject({ isr: [1, 2], eligibleLeaderReplicas: [] });
    expire(cluster, 2);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], leader: 1, eligibleLeaderReplicas: [2] });
  });

  it('are those whom a leader proposes to let go, and are gone once the ISR is back', () => {
    const cluster = led();
    expect(shrink(cluster, [1])).toMatchObject({ code: null, minInsyncReplicas: 2 });
    expect(cluster.partition('a').eligibleLeaderReplicas.toSorted(compareNumbers)).toEqual([2, 3]);
    shrink(cluster, [1, 3]);
    expect(cluster.partition('a')).toMatchObject({
      isr: [1, 3],
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
    });
  });

  it('are elected when nobody of the ISR can lead, and the others stay eligible', () => {
    const cluster = led();
    expire(cluster, 2);
    expire(cluster, 3);
    expire(cluster, 1);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], leader: -1, eligibleLeaderReplicas: [3] });
    const { leaderEpoch } = cluster.partition('a');
    comesBack(cluster, 2);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], leader: -1 });
    comesBack(cluster, 3);
    const row = cluster.partition('a');
    expect(row).toMatchObject({ isr: [3], leader: 3, leaderEpoch: leaderEpoch + 1, leaderRecoveryState: 0 });
    expect(row.eligibleLeaderReplicas).toEqual([1]);
  });

  it('are as many as went at once', () => {
    const cluster = led();
    expire(cluster, 1, 2, 3);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], leader: -1 });
    expect(cluster.partition('a').eligibleLeaderReplicas.toSorted(compareNumbers)).toEqual([2, 3]);
    comesBack(cluster, 2);
    expect(cluster.partition('a')).toMatchObject({ isr: [2], leader: 2 });
    expect(cluster.partition('a').eligibleLeaderReplicas.toSorted(compareNumbers)).toEqual([1, 3]);
  });

  it('are nobody where min ISR is met by one', () => {
    const cluster = led(null);
    expire(cluster, 2, 3);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], eligibleLeaderReplicas: [] });
  });

  it('are counted with min ISR at most the number of replicas', () => {
    const cluster = led('9');
    expire(cluster, 3);
    expect(cluster.partition('a')).toMatchObject({ isr: [1, 2], eligibleLeaderReplicas: [3] });
    expect(shrink(cluster, [1])).toMatchObject({ minInsyncReplicas: 3 });
  });

  it('come with the level of metadata.version that brought them', () => {
    const cluster = led('2', 1);
    expire(cluster, 2, 3);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], eligibleLeaderReplicas: [] });
    for (const id of [1, 2, 3]) {
      cluster.ok('registerBroker', { body: { ...cluster.registration(id), features: supportedFeatures } });
    }
    cluster.ok('updateFeature', { params: { feature: 'metadata.version' }, body: { featureLevel: 2 } });
    expire(cluster, 1);
    comesBack(cluster, 2);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], leader: -1, eligibleLeaderReplicas: [] });
  });
});

describe('a change of min ISR', () => {
  it('clears the ELRs of its topic in the same batch, and raises their partition epochs', () => {
    const cluster = led('3');
    cluster.ok('createTopic', {
      body: { name: 'b', assignments: [[1, 2, 3]], configs: [{ name: 'min.insync.replicas', value: '3' }] },
    });
    expire(cluster, 3);
    const { partitionEpoch } = cluster.partition('a');
    expect(setMinIsr(cluster, '2')).toMatchObject({ changed: 1 });
    expect(cluster.partition('a')).toMatchObject({
      eligibleLeaderReplicas: [],
      partitionEpoch: partitionEpoch + 1,
    });
    expect(cluster.partition('b').eligibleLeaderReplicas).toEqual([3]);
    expect(findSettledViolation(cluster.image)).toBeNull();
  });

  it('of all brokers clears those of the topics that have none of their own', () => {
    const cluster = led(null);
    setMinIsr(cluster, '2', 'broker', 'default');
    cluster.ok('createTopic', {
      body: { name: 'own', assignments: [[1, 2, 3]], configs: [{ name: 'min.insync.replicas', value: '2' }] },
    });
    expire(cluster, 2, 3);
    expect(cluster.partition('a').eligibleLeaderReplicas.toSorted(compareNumbers)).toEqual([2, 3]);
    setMinIsr(cluster, '1', 'broker', 'default');
    expect(cluster.partition('a').eligibleLeaderReplicas).toEqual([]);
    expect(cluster.partition('own').eligibleLeaderReplicas.toSorted(compareNumbers)).toEqual([2, 3]);
    expect(findSettledViolation(cluster.image)).toBeNull();
  });

  it('of one broker is nothing to topics, nor is the change of another config', () => {
    const cluster = led();
    expire(cluster, 2, 3);
    setMinIsr(cluster, '1', 'broker', '1');
    const changes = [{ name: 'retention.ms', operation: 'set', value: '1' }];
    cluster.ok('alterConfig', { params: { resourceType: 'topic', resourceName: 'a' }, body: { changes } });
    expect(cluster.partition('a').eligibleLeaderReplicas.toSorted(compareNumbers)).toEqual([2, 3]);
  });
});

describe('who is eligible after a change', () => {
  const before = { replicas: [1, 2, 3, 4], isr: [1, 2], eligibleLeaderReplicas: [3], lastKnownElr: [4] };
  const rules = (minInsyncReplicas: number) => ({
    policy: { minInsyncReplicas, allowsUncleanElection: false, hasEligibleReplicas: true },
    isUnclean: () => false,
    hasLost: () => false,
  });

  it('is remembered as last known where it is eligible no more', () => {
    expect(eligibleAfter(before, [1], rules(3))).toEqual({
      eligibleLeaderReplicas: [3, 2],
      lastKnownElr: [4],
    });
    expect(eligibleAfter(before, [4], rules(2))).toEqual({
      eligibleLeaderReplicas: [3, 1, 2],
      lastKnownElr: [],
    });
  });

  it('is nobody who is no replica any more', () => {
    const moved = { ...before, replicas: [1, 2, 5] };
    expect(eligibleAfter(moved, [1], rules(2))).toEqual({ eligibleLeaderReplicas: [2], lastKnownElr: [] });
  });
});

describe('eligible leader replicas and a reassignment together', () => {
  /** Brokers 1 to 5, of which the partition has the first three, and so many must be in sync. */
  function spread(minIsr: string): TestCluster {
    const cluster = led(minIsr);
    cluster.start(4, 5);
    return cluster;
  }

  function move(cluster: TestCluster, replicas: readonly number[] | null) {
    const body = { partitions: [{ topic: 'a', partition: 0, replicas }] };
    const [result] = cluster.ok('alterPartitionReassignments', { body }).partitions;
    expect(findSettledViolation(cluster.image)).toBeNull();
    return result;
  }

  const atRest = { addingReplicas: [], removingReplicas: [] };

  it('end it in the change that elects from the ELR the last one for whom it waits', () => {
    const cluster = spread('3');
    expire(cluster, 1);
    move(cluster, [1]);
    expect(cluster.partition('a')).toMatchObject({
      removingReplicas: [2, 3],
      isr: [2, 3],
      eligibleLeaderReplicas: [1],
    });
    expire(cluster, 2, 3);
    expect(cluster.partition('a')).toMatchObject({ leader: -1, eligibleLeaderReplicas: [1, 3] });
    const end = cluster.image.endOffset;
    comesBack(cluster, 1);
    expect(cluster.partition('a')).toMatchObject({
      ...atRest,
      replicas: [1],
      isr: [1],
      leader: 1,
      eligibleLeaderReplicas: [],
    });
    // The fencing of one and the change of the other: nothing in between.
    expect(cluster.image.endOffset).toBe(end + 2);
  });

  it('end it likewise where the one who is elected is being added', () => {
    const cluster = spread('3');
    move(cluster, [1, 2, 3, 4, 5]);
    shrink(cluster, [1, 4]);
    expire(cluster, 4);
    move(cluster, [2, 3, 4]);
    expect(cluster.partition('a')).toMatchObject({
      addingReplicas: [4],
      removingReplicas: [1],
      isr: [1],
      eligibleLeaderReplicas: [2, 3, 4],
    });
    expire(cluster, 1, 2, 3);
    comesBack(cluster, 4);
    expect(cluster.partition('a')).toMatchObject({ ...atRest, replicas: [2, 3, 4], isr: [4], leader: 4 });
    expect(cluster.partition('a').eligibleLeaderReplicas).toEqual([2, 3]);
  });

  it('do not keep one whose replica goes, nor have one that comes', () => {
    const cluster = spread('3');
    expire(cluster, 3);
    expect(cluster.partition('a')).toMatchObject({ isr: [1, 2], eligibleLeaderReplicas: [3] });
    move(cluster, [1, 2]);
    expect(cluster.partition('a')).toMatchObject({ ...atRest, isr: [1, 2], eligibleLeaderReplicas: [] });
    comesBack(cluster, 3);
    move(cluster, [1, 2, 3]);
    expect(cluster.partition('a')).toMatchObject({ addingReplicas: [3], eligibleLeaderReplicas: [] });
  });

  it('go by as many replicas as there will be when it ends: a leader learns that min ISR', () => {
    const cluster = spread('3');
    move(cluster, [1, 4]);
    expect(shrink(cluster, [1, 2, 4])).toMatchObject({ code: null, isr: [1, 4], minInsyncReplicas: 2 });
    expect(cluster.partition('a')).toMatchObject({ ...atRest, replicas: [1, 4], eligibleLeaderReplicas: [] });
  });

  it('let it be cancelled where nobody of the ISR stays and an eligible replica can lead', () => {
    const cluster = spread('3');
    move(cluster, [1, 4, 5]);
    shrink(cluster, [1, 4]);
    expire(cluster, 1);
    expect(cluster.partition('a')).toMatchObject({ isr: [4], leader: 4 });
    expect(move(cluster, null)?.code).toBeNull();
    expect(cluster.partition('a')).toMatchObject({ ...atRest, isr: [2], leader: 2 });
    expect(new Set(cluster.partition('a').replicas)).toEqual(new Set([1, 2, 3]));
    expect(cluster.partition('a').eligibleLeaderReplicas.toSorted(compareNumbers)).toEqual([1, 3]);
  });

  it('do not let it be cancelled where nobody of ISR and ELR who stays can lead', () => {
    const cluster = spread('3');
    move(cluster, [1, 4, 5]);
    shrink(cluster, [1, 4]);
    expire(cluster, 1, 2, 3);
    const refused = move(cluster, null);
    expect(refused?.code).toBe('INVALID_REPLICA_ASSIGNMENT');
    expect(refused?.message).toContain('nobody of [1,2,3] who is in sync, or eligible, can lead');
  });
});

describe('a new incarnation of a broker', () => {
  it('that vouches for what the last one held stays eligible, and the last member of its ISR', () => {
    const cluster = led();
    expire(cluster, 1, 2, 3);
    cluster.registerAgain(1, 11);
    cluster.registerAgain(2, 12);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], leader: -1 });
    expect(cluster.partition('a').eligibleLeaderReplicas.toSorted(compareNumbers)).toEqual([2, 3]);
    comesBack(cluster, 2);
    expect(cluster.partition('a')).toMatchObject({ isr: [2], leader: 2 });
  });

  it('that does not leaves every ISR and ELR, is remembered there, and is unfenced after that', () => {
    const cluster = led();
    expire(cluster, 1, 2, 3);
    for (const id of [1, 2]) {
      cluster.register(id, id + 10);
      expect(cluster.image.broker.uncleanShutdowns.get(id)).not.toBeNull();
    }
    expect(cluster.partition('a')).toMatchObject({
      isr: [],
      eligibleLeaderReplicas: [3],
      lastKnownElr: [1, 2],
    });
    comesBack(cluster, 1);
    expect(cluster.image.broker.uncleanShutdowns.get(1)).toBeNull();
    expect(cluster.partition('a')).toMatchObject({ isr: [], leader: -1 });
    comesBack(cluster, 3);
    expect(cluster.partition('a')).toMatchObject({ isr: [3], leader: 3, lastKnownElr: [1, 2] });
    shrink(cluster, [1, 3]);
    expect(cluster.partition('a')).toMatchObject({ isr: [1, 3], lastKnownElr: [] });
  });

  it('that names another epoch than the last one does not vouch, nor does one of a broker that was forgotten', () => {
    const cluster = led();
    expire(cluster, 1, 2, 3);
    const previousBrokerEpoch = cluster.image.broker.brokers.get(3)?.brokerEpoch ?? 0;
    cluster.ok('registerBroker', { body: { ...cluster.registration(1, 11), previousBrokerEpoch } });
    const forgotten = cluster.image.broker.brokers.get(2)?.brokerEpoch ?? 0;
    cluster.ok('unregisterBroker', { params: { brokerId: 2 } });
    cluster.ok('registerBroker', {
      body: { ...cluster.registration(2, 12), previousBrokerEpoch: forgotten },
    });
    expect(cluster.partition('a')).toMatchObject({ isr: [], eligibleLeaderReplicas: [3] });
  });

  it('is not unfenced before it has left all of it, over a change of leader, too', () => {
    const cluster = led();
    expire(cluster, 1, 2, 3);
    cluster.isPaused = true;
    cluster.append([{ type: 'UncleanShutdownRecord', brokerId: 2 }]);
    expect(cluster.heartbeat(2)).toMatchObject({ isFenced: true });
    cluster.isPaused = false;
    cluster.failOver();
    expect(cluster.partition('a').eligibleLeaderReplicas).toEqual([3]);
    expect(cluster.heartbeat(2)).toMatchObject({ isFenced: false });
  });

  it('is not marked where it was in no ISR and no ELR', () => {
    const cluster = led();
    shrink(cluster, [1, 2]);
    expire(cluster, 3);
    cluster.register(3, 13);
    expect(cluster.image.broker.uncleanShutdowns.get(3)).toBeNull();
  });
});
