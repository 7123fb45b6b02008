import { describe, expect, it } from 'vitest';
import { compareNumbers } from '../../src/base/compare.ts';
import type { Uuid } from '../../src/base/brands.ts';
import { limits } from '../../src/metadata/limits.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { isReservedDirectory, reservedDirectories } from '../../src/metadata/resources/topic/directories.ts';
import { incarnationId, TestCluster } from './cluster.ts';
import { findSettledViolation, findViolation } from './invariants.ts';

const { migrating, unassigned, lost } = reservedDirectories;

/** Directory `at` of a broker. */
function directory(broker: number, at: number): Uuid {
  return incarnationId(2_000 + 10 * broker + at);
}

function bothOf(broker: number): readonly Uuid[] {
  return [directory(broker, 0), directory(broker, 1)];
}

/**
 * Brokers 1 to 3, of two directories each, and a topic of `partitions` with three replicas, two of which must be in
 * sync.
 */
function started(partitions = 1, metadataVersion?: number): TestCluster {
  const cluster = new TestCluster(builtInRegistry, metadataVersion);
  for (const id of [1, 2, 3]) {
    register(cluster, id, id, bothOf(id));
    cluster.heartbeat(id);
  }
  const assignments = Array.from({ length: partitions }, () => [1, 2, 3]);
  const configs = [{ name: 'min.insync.replicas', value: '2' }];
  cluster.ok('createTopic', { body: { name: 'a', assignments, configs } });
  return cluster;
}

function register(
  cluster: TestCluster,
  id: number,
  incarnation: number,
  logDirs: readonly Uuid[],
  vouches = true,
): number {
  const previousBrokerEpoch = epochOf(cluster, id);
  const vouching = vouches ? { previousBrokerEpoch } : {};
  const body = { ...cluster.registration(id, incarnation), logDirs, ...vouching };
  return cluster.ok('registerBroker', { body }).brokerEpoch;
}

function epochOf(cluster: TestCluster, id: number): number {
  return cluster.image.broker.brokers.get(id)?.brokerEpoch ?? 0;
}

function assignBody(cluster: TestCluster, broker: number, directoryId: Uuid, partition: number) {
  const { topicId } = cluster.partition('a', partition);
  const directories = [{ directoryId, partitions: [{ topicId, partition }] }];
  return { brokerId: broker, brokerEpoch: epochOf(cluster, broker), directories };
}

function assign(cluster: TestCluster, broker: number, directoryId: Uuid, partition = 0) {
  const body = assignBody(cluster, broker, directoryId, partition);
  return cluster.ok('assignReplicasToDirs', { body }).directories[0]?.partitions[0]?.code;
}

/** Every replica of the topic is in the first directory of its broker. */
function assigned(partitions = 1): TestCluster {
  const cluster = started(partitions);
  for (const id of [1, 2, 3]) {
    for (let at = 0; at < partitions; at++) assign(cluster, id, directory(id, 0), at);
  }
  return cluster;
}

function fails(cluster: TestCluster, id: number, ...offlineLogDirs: readonly Uuid[]) {
  const body = { brokerEpoch: epochOf(cluster, id), metadataOffset: cluster.image.endOffset, offlineLogDirs };
  return cluster.ok('heartbeatBroker', { params: { brokerId: id }, body });
}

function propose(cluster: TestCluster, isr: readonly number[]) {
  const { topicId, leader, leaderEpoch, partitionEpoch } = cluster.partition('a');
  const newIsr = isr.map((brokerId) => ({ brokerId, brokerEpoch: epochOf(cluster, brokerId) }));
  const proposal = { topicId, partition: 0, leaderEpoch, partitionEpoch, newIsr };
  const body = { brokerId: leader, brokerEpoch: epochOf(cluster, leader), partitions: [proposal] };
  return cluster.ok('alterPartition', { body }).partitions[0]?.code;
}

function expire(cluster: TestCluster, ...ids: number[]): void {
  cluster.expire(expireBrokerSessions, ...ids);
}

function expectSettled(cluster: TestCluster): void {
  expect(findSettledViolation(cluster.image)).toBeNull();
}

describe('the directory of a replica', () => {
  it('is the only one of its broker, or not said yet where there are several, or not known where none is named', () => {
    const cluster = new TestCluster();
    register(cluster, 1, 1, [directory(1, 0)]);
    register(cluster, 2, 2, bothOf(2));
    register(cluster, 3, 3, []);
    for (const id of [1, 2, 3]) cluster.heartbeat(id);
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2, 3]] } });
    cluster.ok('createTopic', { body: { name: 'b', assignments: [[3]] } });
    expect(cluster.partition('a').directories).toEqual([directory(1, 0), unassigned, migrating]);
    expect(cluster.partition('b').directories).toEqual([]);
    expectSettled(cluster);
  });

  it('is what its broker says, and goes with the replica through a reassignment', () => {
    const cluster = started();
    expect(assign(cluster, 2, directory(2, 1))).toBeNull();
    expect(cluster.partition('a').directories).toEqual([unassigned, directory(2, 1), unassigned]);
    expect(assign(cluster, 2, directory(2, 0))).toBeNull();
    register(cluster, 4, 4, [directory(4, 0)]);
    cluster.heartbeat(4);
    cluster.ok('alterPartitionReassignments', {
      body: { partitions: [{ topic: 'a', partition: 0, replicas: [4, 2] }] },
    });
    const { replicas, directories } = cluster.partition('a');
    expect(replicas).toEqual([4, 2, 1, 3]);
    expect(directories).toEqual([directory(4, 0), directory(2, 0), unassigned, unassigned]);
    expect(propose(cluster, [1, 2, 3, 4])).toBe('NEW_LEADER_ELECTED');
    expect(cluster.partition('a')).toMatchObject({
      replicas: [4, 2],
      directories: [directory(4, 0), directory(2, 0)],
    });
    expectSettled(cluster);
  });

  it('is said once: to say it again changes nothing', () => {
    const cluster = assigned();
    const { endOffset } = cluster.image;
    expect(assign(cluster, 1, directory(1, 0))).toBeNull();
    expect(cluster.image.endOffset).toBe(endOffset);
  });

  it('has an id that is not reserved', () => {
    expect([migrating, unassigned, lost].every(isReservedDirectory)).toBe(true);
    expect(isReservedDirectory(directory(1, 0))).toBe(false);
    const cluster = started();
    expect(cluster.code('assignReplicasToDirs', { body: assignBody(cluster, 1, lost, 0) })).toBe(
      'INVALID_REQUEST',
    );
    const registration = cluster.registration(4);
    for (const logDirs of [[lost], [directory(4, 0), directory(4, 0)]]) {
      expect(cluster.code('registerBroker', { body: { ...registration, logDirs } })).toBe('INVALID_REQUEST');
    }
  });

  it('is said by a broker that has a replica, of a directory that it has registered', () => {
    const cluster = started();
    register(cluster, 4, 4, bothOf(4));
    cluster.heartbeat(4);
    expect(assign(cluster, 4, directory(4, 0))).toBe('NOT_LEADER_OR_FOLLOWER');
    expect(assign(cluster, 1, directory(2, 0))).toBe('LOG_DIR_NOT_FOUND');
    const stale = { ...assignBody(cluster, 1, directory(1, 0), 0), brokerEpoch: 0 };
    expect(cluster.code('assignReplicasToDirs', { body: stale })).toBe('STALE_BROKER_EPOCH');
    const unknown = { ...stale, brokerId: 9 };
    expect(cluster.code('assignReplicasToDirs', { body: unknown })).toBe('BROKER_ID_NOT_REGISTERED');
  });

  it('is refused of what does not exist, and of a partition that is named twice', () => {
    const cluster = started();
    const { topicId } = cluster.partition('a');
    const partitions = [
      { topicId: incarnationId(1), partition: 0 },
      { topicId, partition: 7 },
      { topicId, partition: 0 },
      { topicId, partition: 0 },
    ];
    const directories = [{ directoryId: directory(1, 0), partitions }];
    const body = { brokerId: 1, brokerEpoch: epochOf(cluster, 1), directories };
    const results = cluster.ok('assignReplicasToDirs', { body }).directories[0]?.partitions;
    expect(results?.map(({ code }) => code)).toEqual([
      'UNKNOWN_TOPIC_ID',
      'UNKNOWN_TOPIC_OR_PARTITION',
      null,
      'INVALID_REQUEST',
    ]);
  });

  it('is said of so many replicas at once as fit a batch', () => {
    const count = limits.directoryAssignmentsMax + 1;
    const cluster = started(count);
    const { topicId } = cluster.partition('a');
    const partitions = Array.from({ length: count }, (_, partition) => ({ topicId, partition }));
    const directories = [0, 1].map((at) => ({
      directoryId: directory(1, at),
      partitions: at === 0 ? partitions.slice(0, -1) : partitions.slice(-1),
    }));
    const body = { brokerId: 1, brokerEpoch: epochOf(cluster, 1), directories };
    const results = cluster.ok('assignReplicasToDirs', { body }).directories;
    expect(results[0]?.partitions.every(({ code }) => code === null)).toBe(true);
    expect(results[1]?.partitions[0]?.code).toBe('OPERATION_NOT_ATTEMPTED');
  });

  it('means nothing below the level of metadata.version that brought it', () => {
    const cluster = started(1, 1);
    expect(cluster.partition('a').directories).toEqual([]);
    const body = assignBody(cluster, 1, directory(1, 0), 0);
    expect(cluster.code('assignReplicasToDirs', { body })).toBe('UNSUPPORTED_VERSION');
    expect(fails(cluster, 1, ...bothOf(1))).toMatchObject({ isFenced: false });
    expect(cluster.image.broker.brokers.get(1)?.logDirs).toEqual(bothOf(1));
    register(cluster, 1, 1, [directory(1, 1)]);
    expect(cluster.image.broker.brokers.get(1)?.logDirs).toEqual([directory(1, 1)]);
    expect(cluster.image.broker.offlineDirectories.get(1)).toBeNull();
  });
});

describe('a directory that goes offline', () => {
  it('takes its replicas out of ISR and ELR, and leaves those of others and of other directories', () => {
    const cluster = assigned(2);
    assign(cluster, 1, directory(1, 1), 1);
    expect(fails(cluster, 1, directory(1, 0))).toMatchObject({ isFenced: false });
    expect(cluster.partition('a')).toMatchObject({ isr: [2, 3], leader: 2, leaderEpoch: 1 });
    expect(cluster.partition('a', 1)).toMatchObject({ isr: [1, 2, 3], leader: 1, leaderEpoch: 0 });
    expect(cluster.ok('describeBroker', { params: { brokerId: 1 } })).toMatchObject({
      logDirs: [directory(1, 1)],
      offlineLogDirs: [directory(1, 0)],
      isFenced: false,
    });
    expectSettled(cluster);
  });

  it('is no eligible leader, and is not where to look first when all others are gone', () => {
    const cluster = assigned();
    expire(cluster, 3);
    fails(cluster, 2, directory(2, 0));
    expect(cluster.partition('a')).toMatchObject({ isr: [1], eligibleLeaderReplicas: [], lastKnownElr: [] });
    const other = assigned();
    expire(other, 3);
    expire(other, 2);
    expect(other.partition('a')).toMatchObject({ isr: [1], eligibleLeaderReplicas: [2] });
    fails(other, 2, directory(2, 0));
    expect(other.partition('a')).toMatchObject({ isr: [1], eligibleLeaderReplicas: [], lastKnownElr: [] });
    expectSettled(other);
    expectSettled(cluster);
  });

  it('leaves nobody in sync where it had the last replica that was', () => {
    const cluster = assigned();
    propose(cluster, [1, 2]);
    expire(cluster, 2);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], eligibleLeaderReplicas: [2] });
    fails(cluster, 1, directory(1, 0));
    expect(cluster.partition('a')).toMatchObject({ isr: [], leader: -1, eligibleLeaderReplicas: [2] });
    cluster.heartbeat(2);
    expect(cluster.partition('a')).toMatchObject({ isr: [2], leader: 2, lastKnownElr: [] });
    expectSettled(cluster);
  });

  it('is elected uncleanly by nobody, and others are, where the topic allows it', () => {
    const cluster = assigned();
    const changes = [{ name: 'unclean.leader.election.enable', operation: 'set', value: 'true' }];
    cluster.ok('alterConfig', { params: { resourceType: 'topic', resourceName: 'a' }, body: { changes } });
    propose(cluster, [1]);
    cluster.append([{ type: 'ClearElrRecord', topicName: 'a' }]);
    fails(cluster, 2, directory(2, 0));
    fails(cluster, 1, directory(1, 0));
    expect(cluster.partition('a')).toMatchObject({ isr: [3], leader: 3, leaderRecoveryState: 1 });
    expectSettled(cluster);
  });

  it('is in no ISR again, whatever a leader proposes, nor elected by hand', () => {
    const cluster = assigned();
    fails(cluster, 1, directory(1, 0));
    expect(propose(cluster, [2, 3, 1])).toBe('INELIGIBLE_REPLICA');
    const elections = { electionType: 'preferred', partitions: [{ topic: 'a', partition: 0 }] };
    const { partitions } = cluster.ok('electLeaders', { body: elections });
    expect(partitions[0]?.code).toBe('PREFERRED_LEADER_NOT_AVAILABLE');
  });

  it('stays offline under the same registration, and so does what was in it', () => {
    const cluster = assigned();
    fails(cluster, 1, directory(1, 0));
    expect(assign(cluster, 1, directory(1, 1))).toBe('KAFKA_STORAGE_ERROR');
    const epoch = epochOf(cluster, 1);
    expect(register(cluster, 1, 1, bothOf(1))).toBe(epoch);
    expect(cluster.image.broker.brokers.get(1)?.logDirs).toEqual([directory(1, 1)]);
    const { endOffset } = cluster.image;
    fails(cluster, 1, directory(1, 0), directory(9, 9));
    expect(cluster.image.endOffset).toBe(endOffset);
  });

  it('is not said by registering without it', () => {
    const cluster = assigned();
    const body = { ...cluster.registration(1), logDirs: [directory(1, 0)] };
    expect(cluster.code('registerBroker', { body })).toBe('INVALID_REQUEST');
    expect(cluster.code('registerBroker', { body: cluster.registration(1) })).toBe('INVALID_REQUEST');
  });

  it('takes a replica with it that is said to be there only afterwards', () => {
    const cluster = started();
    fails(cluster, 1, directory(1, 0));
    expect(cluster.partition('a')).toMatchObject({ isr: [1, 2, 3], leader: 1 });
    expect(assign(cluster, 1, directory(1, 0))).toBeNull();
    expect(cluster.partition('a')).toMatchObject({ isr: [2, 3], leader: 2 });
    expectSettled(cluster);
  });

  it('takes all its replicas in bounded batches, which another leader completes', () => {
    const count = limits.repairChangesMax + 5;
    const cluster = assigned(count);
    cluster.isPaused = true;
    fails(cluster, 1, directory(1, 0));
    expect(cluster.partition('a').leader).toBe(2);
    expect(cluster.partition('a', count - 1).leader).toBe(1);
    expect(findViolation(cluster.image)).toBeNull();
    cluster.isPaused = false;
    cluster.failOver();
    expect(cluster.partition('a', count - 1).leader).toBe(2);
    expectSettled(cluster);
  });

  it('is heard of a broker that an operator holds, too', () => {
    const cluster = assigned();
    cluster.ok('fenceBroker', { params: { brokerId: 1 } });
    expect(fails(cluster, 1, directory(1, 0))).toMatchObject({ isFenced: true });
    expect(cluster.partition('a')).toMatchObject({ isr: [2, 3], leader: 2 });
  });
});

describe('a broker whose last directory goes offline', () => {
  it('is fenced for good, holds nothing, and may be followed by its next incarnation at once', () => {
    const cluster = assigned();
    propose(cluster, [1, 2]);
    expire(cluster, 2);
    expect(fails(cluster, 1, ...bothOf(1))).toMatchObject({ isFenced: true, shouldShutDown: false });
    expect(cluster.partition('a')).toMatchObject({ isr: [], leader: -1, eligibleLeaderReplicas: [2] });
    expect(cluster.heartbeat(1)).toMatchObject({ isFenced: true });
    expectSettled(cluster);
    register(cluster, 1, 11, [directory(1, 5)]);
    expect(cluster.heartbeat(1)).toMatchObject({ isFenced: false });
    expect(cluster.image.broker.uncleanShutdowns.get(1)).toBeNull();
    expectSettled(cluster);
  });
});

describe('a new incarnation', () => {
  it('keeps what is in the directories that it names, and leaves what was in another', () => {
    const cluster = assigned(2);
    assign(cluster, 1, directory(1, 1), 1);
    for (const id of [2, 3]) expire(cluster, id);
    expire(cluster, 1);
    const elr = (partition: number) =>
      cluster.partition('a', partition).eligibleLeaderReplicas.toSorted(compareNumbers);
    expect([cluster.partition('a').isr, elr(0)]).toEqual([[1], [3]]);
    register(cluster, 1, 11, [directory(1, 1), directory(1, 2)]);
    expect(cluster.partition('a').isr).toEqual([]);
    expect(cluster.partition('a', 1).isr).toEqual([1]);
    expect(cluster.image.broker.uncleanShutdowns.get(1)).toBeNull();
    cluster.heartbeat(1);
    expect(cluster.partition('a').leader).toBe(-1);
    expect(cluster.partition('a', 1).leader).toBe(1);
    expectSettled(cluster);
    // What was lost is made anew elsewhere, and comes into sync by its leader's word alone.
    expect(assign(cluster, 1, directory(1, 2))).toBeNull();
    expect(cluster.partition('a')).toMatchObject({ isr: [], leader: -1 });
  });

  it('has all its replicas in its directory, where it has one, and left those that were in another', () => {
    const cluster = new TestCluster();
    for (const id of [1, 2]) {
      register(cluster, id, id, id === 1 ? [directory(1, 0)] : []);
      cluster.heartbeat(id);
    }
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2]] } });
    expire(cluster, 1);
    register(cluster, 1, 11, [directory(1, 1)]);
    expect(cluster.partition('a').directories).toEqual([directory(1, 1), migrating]);
    expire(cluster, 2);
    register(cluster, 2, 12, [directory(2, 0)]);
    expect(cluster.partition('a')).toMatchObject({
      isr: [2],
      directories: [directory(1, 1), directory(2, 0)],
    });
    expectSettled(cluster);
  });

  it('is not unfenced before all that is lost was acted upon, over a change of leader, too', () => {
    const count = limits.repairChangesMax + 5;
    const cluster = assigned(count);
    cluster.isPaused = true;
    expire(cluster, 1);
    cluster.drain();
    cluster.isPaused = true;
    expire(cluster, 2, 3);
    cluster.drain();
    register(cluster, 2, 12, [directory(2, 1)]);
    expect(cluster.heartbeat(2)).toMatchObject({ isFenced: true });
    cluster.isPaused = false;
    cluster.failOver();
    expect(cluster.heartbeat(2)).toMatchObject({ isFenced: false });
    expectSettled(cluster);
  });

  it('does not vouch for a directory that is back and that the last incarnation had not', () => {
    const count = limits.repairChangesMax + 5;
    const cluster = assigned(count);
    expire(cluster, 1, 2, 3);
    cluster.isPaused = true;
    register(cluster, 1, 11, [directory(1, 1)]);
    expect(cluster.partition('a', count - 1).isr).toEqual([1]);
    cluster.pending = [];
    cluster.isPaused = false;
    cluster.live.delete(1);
    register(cluster, 1, 12, bothOf(1));
    expect(cluster.partition('a', count - 1).isr).toEqual([]);
    expectSettled(cluster);
  });

  it('does not vouch for replicas of which nobody knows where they were, where a directory is missing', () => {
    for (const named of [[directory(1, 1)], bothOf(1)]) {
      const cluster = started();
      expire(cluster, 2, 3);
      if (named.length === 2) fails(cluster, 1, directory(1, 0));
      expire(cluster, 1);
      expect(cluster.partition('a').isr).toEqual([1]);
      register(cluster, 1, 11, named);
      expect(cluster.partition('a').isr).toEqual([]);
      expectSettled(cluster);
    }
  });

  it('that names no directories any more is believed as one that never did', () => {
    const cluster = assigned();
    expire(cluster, 1, 2, 3);
    register(cluster, 1, 11, []);
    cluster.heartbeat(1);
    expect(cluster.partition('a')).toMatchObject({ isr: [1], leader: 1 });
    expectSettled(cluster);
  });
});
