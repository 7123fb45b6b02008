import { describe, expect, it } from 'vitest';
import { limits } from '../../src/metadata/limits.ts';
import { offset } from '../../src/base/brands.ts';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { balanceLeaders } from '../../src/metadata/resources/election/balance.ts';
import { countUncleanElections } from '../../src/metadata/resources/topic/records.ts';
import { TestCluster } from './cluster.ts';
import { findSettledViolation } from './invariants.ts';

type Config = { readonly name: string; readonly value: string };

/** A topic of `count` partitions on the brokers 1 to 3. */
function led(configs: readonly Config[] = [], count = 1): TestCluster {
  const cluster = new TestCluster();
  cluster.start(1, 2, 3);
  const assignments = Array.from({ length: count }, () => [1, 2, 3]);
  cluster.ok('createTopic', { body: { name: 'a', assignments, configs } });
  return cluster;
}

function elect(
  cluster: TestCluster,
  electionType: string,
  partitions?: readonly object[],
  next?: string | null,
) {
  const from = typeof next === 'string' ? { continue: next } : {};
  const named = partitions === undefined ? {} : { partitions };
  const answer = cluster.ok('electLeaders', { body: { electionType, ...named, ...from } });
  expect(findSettledViolation(cluster.image)).toBeNull();
  return answer;
}

const first = [{ topic: 'a', partition: 0 }];

/** The leader went, another took over, and it came back and is in sync again. */
function moved(count = 1): TestCluster {
  const cluster = led([], count);
  cluster.expire(expireBrokerSessions, 1);
  cluster.heartbeat(1);
  for (let partition = 0; partition < count; partition++) propose(cluster, partition, [1, 2, 3]);
  return cluster;
}

function propose(
  cluster: TestCluster,
  partition: number,
  isr: readonly number[],
  leaderRecoveryState = 0,
): void {
  const { topicId, leader, leaderEpoch, partitionEpoch } = cluster.partition('a', partition);
  const epochOf = (id: number): number => cluster.image.broker.brokers.get(id)?.brokerEpoch ?? 0;
  const newIsr = isr.map((brokerId) => ({ brokerId, brokerEpoch: epochOf(brokerId) }));
  const proposal = { topicId, partition, leaderEpoch, partitionEpoch, newIsr, leaderRecoveryState };
  const body = { brokerId: leader, brokerEpoch: epochOf(leader), partitions: [proposal] };
  expect(cluster.ok('alterPartition', { body }).partitions[0]?.code).toBeNull();
}

/** Broker 3 lags, the others are gone, and it alone is there. */
function dark(configs: readonly Config[] = []): TestCluster {
  const cluster = led(configs);
  propose(cluster, 0, [1, 2]);
  cluster.expire(expireBrokerSessions, 2);
  cluster.expire(expireBrokerSessions, 1);
  return cluster;
}

describe('a preferred election', () => {
  it('gives a partition back to its first replica, with a new leader epoch', () => {
    const cluster = moved();
    expect(cluster.partition('a')).toMatchObject({ leader: 2, leaderEpoch: 1 });
    expect(elect(cluster, 'preferred', first)).toMatchObject({
      elected: 1,
      partitions: [{ partition: 0, code: null, leader: 1 }],
      continue: null,
    });
    expect(cluster.partition('a')).toMatchObject({ leader: 1, leaderEpoch: 2, isr: [1, 2, 3] });
    expect(elect(cluster, 'preferred', first).partitions).toMatchObject([{ code: 'ELECTION_NOT_NEEDED' }]);
  });

  it('is refused where the first replica is away or not in sync, and for what is not there', () => {
    const cluster = led();
    cluster.expire(expireBrokerSessions, 1);
    const codes = () => elect(cluster, 'preferred', first).partitions.map(({ code }) => code);
    expect(codes()).toEqual(['PREFERRED_LEADER_NOT_AVAILABLE']);
    cluster.heartbeat(1);
    expect(codes()).toEqual(['PREFERRED_LEADER_NOT_AVAILABLE']);
    const named = [...first, { topic: 'a', partition: 7 }, { topic: 'none', partition: 0 }];
    expect(elect(cluster, 'preferred', named).partitions.slice(1)).toMatchObject([
      { code: 'UNKNOWN_TOPIC_OR_PARTITION' },
      { code: 'UNKNOWN_TOPIC_OR_PARTITION', topicId: null },
    ]);
  });

  it('elects one that is named twice once', () => {
    const { partitions } = elect(moved(), 'preferred', [...first, ...first]);
    expect(partitions.map(({ code }) => code)).toEqual([null, 'ELECTION_NOT_NEEDED']);
  });

  it('of all partitions takes a bounded part at a time, counts whom it elects and lists whom it cannot', () => {
    const count = limits.repairChangesMax + 20;
    const cluster = moved(count);
    const half = elect(cluster, 'preferred');
    expect(half).toMatchObject({ elected: limits.repairChangesMax, partitions: [] });
    expect(half.continue).not.toBeNull();
    expect(elect(cluster, 'preferred', undefined, half.continue)).toMatchObject({
      elected: 20,
      continue: null,
    });
    expect(elect(cluster, 'preferred')).toMatchObject({ elected: 0, partitions: [], continue: null });
    cluster.expire(expireBrokerSessions, 1);
    const refused = elect(cluster, 'preferred');
    expect(refused.partitions).toHaveLength(limits.electionResultsMax);
    expect(refused.partitions[0]).toMatchObject({ code: 'PREFERRED_LEADER_NOT_AVAILABLE' });
    expect(refused.continue).not.toBeNull();
  });
});

describe('an unclean election', () => {
  it('by hand makes the active replica the leader, alone, that is to recover', () => {
    const cluster = dark();
    expect(cluster.partition('a')).toMatchObject({ leader: -1, isr: [1] });
    expect(elect(cluster, 'unclean', first)).toMatchObject({
      elected: 1,
      partitions: [{ code: null, leader: 3 }],
    });
    expect(cluster.partition('a')).toMatchObject({ leader: 3, isr: [3], leaderRecoveryState: 1 });
    expect(countUncleanElections(cluster.log.map(({ record }) => record))).toBe(1);
    propose(cluster, 0, [3], 1);
    expect(cluster.partition('a').leaderRecoveryState).toBe(1);
    propose(cluster, 0, [3]);
    expect(cluster.partition('a').leaderRecoveryState).toBe(0);
  });

  it('is not needed where somebody leads, and cannot be where nobody is active', () => {
    const cluster = dark();
    const codes = () => elect(cluster, 'unclean', first).partitions.map(({ code }) => code);
    cluster.expire(expireBrokerSessions, 3);
    expect(codes()).toEqual(['ELIGIBLE_LEADERS_NOT_AVAILABLE']);
    cluster.heartbeat(1);
    expect(cluster.partition('a').leader).toBe(1);
    expect(codes()).toEqual(['ELECTION_NOT_NEEDED']);
  });

  it('leaves nobody eligible beside it, and remembers who was', () => {
    const cluster = dark([{ name: 'min.insync.replicas', value: '2' }]);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], eligibleLeaderReplicas: [2] });
    elect(cluster, 'unclean', first);
    expect(cluster.partition('a')).toMatchObject({
      isr: [3],
      eligibleLeaderReplicas: [],
      lastKnownElr: [2, 1],
    });
  });

  it('prefers who was in sync most lately', () => {
    const cluster = dark([{ name: 'min.insync.replicas', value: '2' }]);
    cluster.register(2, 12);
    cluster.heartbeat(2);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], lastKnownElr: [2], leader: -1 });
    elect(cluster, 'unclean', first);
    expect(cluster.partition('a')).toMatchObject({ leader: 2, leaderRecoveryState: 1 });
  });

  it('is made by itself where the topic’s policy allows it, from when it does', () => {
    const policy = { name: 'unclean.leader.election.enable', value: 'true' };
    expect(dark([policy]).partition('a')).toMatchObject({ leader: 3, isr: [3], leaderRecoveryState: 1 });
    const cluster = dark();
    const changes = [{ ...policy, operation: 'set' }];
    cluster.ok('alterConfig', {
      params: { resourceType: 'broker', resourceName: 'default' },
      body: { changes },
    });
    expect(cluster.partition('a')).toMatchObject({ leader: 3, isr: [3], leaderRecoveryState: 1 });
    expect(findSettledViolation(cluster.image)).toBeNull();
  });

  it('waits for a member of the ISR that is about to stop: until it is fenced it may acknowledge records', () => {
    const cluster = led([{ name: 'unclean.leader.election.enable', value: 'true' }]);
    propose(cluster, 0, [1]);
    cluster.heartbeat(1, { wantShutDown: true });
    expect(cluster.partition('a')).toMatchObject({ leader: -1, isr: [1] });
    expect(elect(cluster, 'unclean', first).partitions).toMatchObject([
      { code: 'ELIGIBLE_LEADERS_NOT_AVAILABLE' },
    ]);
    cluster.expire(expireBrokerSessions, 1);
    expect(cluster.partition('a')).toMatchObject({ leader: 2, isr: [2], leaderRecoveryState: 1 });
  });

  it('of all partitions lists each', () => {
    const cluster = dark();
    expect(elect(cluster, 'unclean')).toMatchObject({
      elected: 1,
      partitions: [{ leader: 3 }],
      continue: null,
    });
  });
});

describe('preferred balancing', () => {
  const balance = (cluster: TestCluster, quietSince: number): void => {
    cluster.goOn(balanceLeaders(offset(quietSince)));
    expect(findSettledViolation(cluster.image)).toBeNull();
  };

  it('gives every partition back to its first replica, in as many batches as it takes', () => {
    const count = limits.repairChangesMax + 20;
    const cluster = moved(count);
    balance(cluster, cluster.image.endOffset);
    for (const partition of [0, count - 1]) {
      expect(cluster.partition('a', partition)).toMatchObject({ leader: 1, leaderEpoch: 2, isr: [1, 2, 3] });
    }
    const { image } = cluster;
    balance(cluster, cluster.image.endOffset);
    expect(cluster.image).toBe(image);
  });

  it('waits until the replica is warm: nothing has happened to its partition since the look before', () => {
    const cluster = moved();
    const { lastModified } = cluster.image.broker.brokers.get(1) ?? { lastModified: -1 };
    const before = cluster.partition('a').lastModified;
    expect(before).toBeGreaterThan(lastModified);
    balance(cluster, before);
    expect(cluster.partition('a').leader).toBe(2);
    balance(cluster, before + 1);
    expect(cluster.partition('a').leader).toBe(1);
  });

  it('waits until nothing has happened to its broker, either', () => {
    const cluster = moved();
    const quietSince = cluster.image.endOffset;
    cluster.ok('cordonBroker', { params: { brokerId: 1 } });
    balance(cluster, quietSince);
    expect(cluster.partition('a').leader).toBe(2);
    balance(cluster, cluster.image.endOffset);
    expect(cluster.partition('a').leader).toBe(1);
  });

  it('leaves alone who is not in sync, who is away, and what nobody leads', () => {
    const cluster = led();
    cluster.expire(expireBrokerSessions, 1);
    balance(cluster, cluster.image.endOffset);
    expect(cluster.partition('a').leader).toBe(2);
    cluster.heartbeat(1);
    balance(cluster, cluster.image.endOffset);
    expect(cluster.partition('a').leader).toBe(2);
    cluster.expire(expireBrokerSessions, 1, 2, 3);
    balance(cluster, cluster.image.endOffset);
    expect(cluster.partition('a').leader).toBe(-1);
  });

  it('leaves a partition alone that is being reassigned', () => {
    const cluster = moved();
    cluster.start(4);
    const partitions = [{ topic: 'a', partition: 0, replicas: [1, 2, 4] }];
    cluster.ok('alterPartitionReassignments', { body: { partitions } });
    balance(cluster, cluster.image.endOffset);
    expect(cluster.partition('a').leader).toBe(2);
  });
});
