import { describe, expect, it } from 'vitest';
import { uuid } from '../../src/base/brands.ts';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { imageDigest } from '../../src/metadata/image.ts';
import { incarnationId, TestCluster } from './cluster.ts';
import { allPartitions, findSettledViolation, findViolation } from './invariants.ts';

describe('registering a broker', () => {
  it('takes the offset of its record as the broker epoch, and starts fenced', () => {
    const cluster = new TestCluster();
    const expected = cluster.image.endOffset;
    expect(cluster.ok('registerBroker', { body: cluster.registration(1) })).toEqual({
      brokerId: 1,
      brokerEpoch: expected,
      isFenced: true,
    });
    expect(cluster.log.at(-1)?.position.offset).toBe(expected);
    expect(cluster.log.at(-1)?.record.type).toBe('RegisterBrokerRecord');
  });

  it('keeps the epoch and the fencing when the same incarnation amends itself', () => {
    const cluster = new TestCluster();
    cluster.start(1);
    const before = cluster.ok('describeBroker', { params: { brokerId: 1 } });
    const amended = cluster.ok('registerBroker', { body: { ...cluster.registration(1), rack: 'b' } });
    expect(amended).toEqual({ brokerId: 1, brokerEpoch: before.brokerEpoch, isFenced: false });
    expect(cluster.ok('describeBroker', { params: { brokerId: 1 } }).rack).toBe('b');
  });

  it('writes nothing when the same incarnation says the same again', () => {
    const cluster = new TestCluster();
    cluster.start(1);
    const end = cluster.image.endOffset;
    cluster.ok('registerBroker', { body: cluster.registration(1) });
    expect(cluster.image.endOffset).toBe(end);
  });

  it('refuses a second process with a live id, and takes it once the session is gone', () => {
    const cluster = new TestCluster();
    cluster.start(1);
    const other = { body: cluster.registration(1, 99) };
    expect(cluster.code('registerBroker', other)).toBe('DUPLICATE_BROKER_REGISTRATION');
    cluster.live.delete(1);
    expect(cluster.ok('registerBroker', other).isFenced).toBe(true);
  });

  it('takes a second process at once that knows of this very one that it has ended, and of no other', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2]] } });
    const knowing = (incarnation: number, ended: number) => {
      const previousIncarnationId = incarnationId(ended);
      return { body: { ...cluster.registration(1, incarnation), previousIncarnationId } };
    };
    expect(cluster.code('registerBroker', knowing(99, 98))).toBe('DUPLICATE_BROKER_REGISTRATION');
    const { brokerEpoch, isFenced } = cluster.ok('registerBroker', knowing(99, 1));
    expect(isFenced).toBe(true);
    expect(cluster.partition('a')).toMatchObject({ isr: [2], leader: 2 });
    const stale = { brokerEpoch: brokerEpoch - 1, metadataOffset: cluster.image.endOffset };
    expect(cluster.code('heartbeatBroker', { params: { brokerId: 1 }, body: stale })).toBe(
      'STALE_BROKER_EPOCH',
    );
    // One that was started before, and is heard only now, knows of the wrong one.
    expect(cluster.code('registerBroker', knowing(97, 1))).toBe('DUPLICATE_BROKER_REGISTRATION');
  });

  it('lets a restarted process in at once when its predecessor was leaving', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2]] } });
    cluster.heartbeat(1, { wantShutDown: true });
    expect(cluster.live.has(1)).toBe(true);
    expect(cluster.ok('registerBroker', { body: cluster.registration(1, 99) }).isFenced).toBe(true);
    const row = cluster.ok('describeBroker', { params: { brokerId: 1 } });
    expect(row.inControlledShutdown).toBe(false);
  });

  it('takes a restarted broker out of every ISR that it has not caught up with', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2]] } });
    cluster.live.delete(1);
    cluster.register(1, 99);
    expect(cluster.partition('a')).toMatchObject({ isr: [2], leader: 2, leaderEpoch: 1, partitionEpoch: 1 });
  });

  it('refuses another cluster, features it does not support, and a description that contradicts itself', () => {
    const cluster = new TestCluster();
    const good = cluster.registration(1);
    const code = (change: object): string => cluster.code('registerBroker', { body: { ...good, ...change } });
    expect(code({ clusterId: uuid('AAAAAAAAQACAAAAAAAAAAg') })).toBe('INCONSISTENT_CLUSTER_ID');
    const range = (minSupportedVersion: number, maxSupportedVersion: number) => ({
      features: [{ name: 'metadata.version', minSupportedVersion, maxSupportedVersion }],
    });
    expect(code(range(3, 5))).toBe('UNSUPPORTED_VERSION');
    expect(code(range(5, 1))).toBe('INVALID_REQUEST');
    const listener = { name: 'A', host: 'h', port: 1 };
    expect(code({ listeners: [listener, listener] })).toBe('INVALID_REQUEST');
  });
});

describe('a heartbeat', () => {
  it('unfences a broker once it has read its own registration, however far the log has run on', () => {
    const cluster = new TestCluster();
    const brokerEpoch = cluster.register(1);
    cluster.start(2);
    const beat = (metadataOffset: number) =>
      cluster.ok('heartbeatBroker', { params: { brokerId: 1 }, body: { brokerEpoch, metadataOffset } });
    const answer = { shouldShutDown: false, sessionTimeoutMs: 9_000 };
    expect(beat(brokerEpoch)).toEqual({ ...answer, isCaughtUp: false, isFenced: true });
    expect(beat(brokerEpoch + 1)).toEqual({ ...answer, isCaughtUp: true, isFenced: false });
  });

  it('keeps a broker fenced that wants to be', () => {
    const cluster = new TestCluster();
    cluster.register(1);
    expect(cluster.heartbeat(1, { wantFence: true }).isFenced).toBe(true);
    expect(cluster.heartbeat(1).isFenced).toBe(false);
    expect(cluster.heartbeat(1, { wantFence: true }).isFenced).toBe(true);
  });

  it('is refused from an unknown broker and from an earlier incarnation', () => {
    const cluster = new TestCluster();
    const brokerEpoch = cluster.register(1);
    cluster.live.delete(1);
    cluster.register(1, 99);
    const body = { brokerEpoch, metadataOffset: 100 };
    expect(cluster.code('heartbeatBroker', { params: { brokerId: 1 }, body })).toBe('STALE_BROKER_EPOCH');
    expect(cluster.code('heartbeatBroker', { params: { brokerId: 7 }, body })).toBe(
      'BROKER_ID_NOT_REGISTERED',
    );
  });

  it('writes no record while nothing changes', () => {
    const cluster = new TestCluster();
    cluster.start(1);
    const end = cluster.image.endOffset;
    for (let count = 0; count < 10; count++) cluster.heartbeat(1);
    expect(cluster.image.endOffset).toBe(end);
  });
});

describe('fencing and unfencing', () => {
  it('moves leaders away from a fenced broker and takes it out of the ISRs', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2, 3);
    cluster.ok('createTopic', {
      body: {
        name: 'a',
        assignments: [
          [1, 2, 3],
          [2, 1, 3],
        ],
      },
    });
    cluster.expire(expireBrokerSessions, 1);
    expect(cluster.partition('a', 0)).toMatchObject({
      isr: [2, 3],
      leader: 2,
      leaderEpoch: 1,
      partitionEpoch: 1,
    });
    expect(cluster.partition('a', 1)).toMatchObject({
      isr: [2, 3],
      leader: 2,
      leaderEpoch: 0,
      partitionEpoch: 1,
    });
    expect(findSettledViolation(cluster.image)).toBeNull();
  });

  it('puts the fence record before the partitions that follow from it', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2]] } });
    const end = cluster.image.endOffset;
    cluster.expire(expireBrokerSessions, 1);
    const types = cluster.log
      .filter(({ position }) => position.offset >= end)
      .map(({ record }) => record.type);
    expect(types).toEqual(['BrokerRegistrationChangeRecord', 'PartitionChangeRecord']);
  });

  it('keeps the last member of an ISR, without a leader, and elects it when it comes back', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2]] } });
    cluster.expire(expireBrokerSessions, 1);
    cluster.expire(expireBrokerSessions, 2);
    expect(cluster.partition('a')).toMatchObject({ isr: [2], leader: -1, leaderEpoch: 2 });
    cluster.heartbeat(1);
    expect(cluster.partition('a')).toMatchObject({ isr: [2], leader: -1 });
    cluster.heartbeat(2);
    expect(cluster.partition('a')).toMatchObject({ isr: [2], leader: 2, leaderEpoch: 3, partitionEpoch: 3 });
  });

  it('keeps the leader, of several members that are fenced together', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2, 3);
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[3, 1, 2]] } });
    cluster.expire(expireBrokerSessions, 1, 2, 3);
    expect(cluster.partition('a')).toMatchObject({ isr: [3], leader: -1, partitionEpoch: 1 });
  });

  it('leaves a broker alone that was heard before its expiry was executed, or is fenced already', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    cluster.isPaused = true;
    cluster.expire(expireBrokerSessions, 1, 2);
    cluster.live.add(1);
    cluster.drain();
    expect(cluster.ok('describeBroker', { params: { brokerId: 1 } }).isFenced).toBe(false);
    expect(cluster.ok('describeBroker', { params: { brokerId: 2 } }).isFenced).toBe(true);
    const end = cluster.image.endOffset;
    cluster.expire(expireBrokerSessions, 2, 9);
    cluster.drain();
    expect(cluster.image.endOffset).toBe(end);
  });
});

describe('fencing a broker of many partitions', () => {
  const topics = 3;
  const partitions = 4_000;

  function large(): TestCluster {
    const cluster = new TestCluster();
    cluster.start(1, 2, 3);
    for (let topic = 0; topic < topics; topic++) {
      const assignments = Array.from({ length: partitions }, () => [1, 2, 3]);
      cluster.ok('createTopic', { body: { name: `t${topic}`, assignments } });
    }
    return cluster;
  }

  it('goes on in bounded batches, each of them whole, until nothing is led by it', () => {
    const cluster = large();
    cluster.isPaused = true;
    cluster.expire(expireBrokerSessions, 1);
    let batches = 0;
    for (let before = cluster.image.endOffset; cluster.step(); before = cluster.image.endOffset) {
      batches++;
      expect(cluster.image.endOffset - before).toBeLessThan(2_100);
      expect(cluster.ok('describeBroker', { params: { brokerId: 1 } }).isFenced).toBe(true);
    }
    expect(batches).toBeGreaterThanOrEqual(6);
    expect(findSettledViolation(cluster.image)).toBeNull();
    expect(allPartitions(cluster.image).every((row) => row.leader === 2 && row.isr.join() === '2,3')).toBe(
      true,
    );
  });

  it('is completed by a new leader from the state alone, whichever batch was the last', () => {
    for (const batches of [1, 2, 5]) {
      const cluster = large();
      cluster.isPaused = true;
      cluster.expire(expireBrokerSessions, 1);
      for (let count = 0; count < batches; count++) cluster.step();
      expect(findViolation(cluster.image)).toBeNull();
      expect(findSettledViolation(cluster.image)).not.toBeNull();
      cluster.isPaused = false;
      cluster.failOver();
      expect(findSettledViolation(cluster.image)).toBeNull();
    }
  });

  it('finds nothing unfinished where everything is settled', () => {
    const cluster = large();
    cluster.expire(expireBrokerSessions, 1);
    const end = cluster.image.endOffset;
    cluster.failOver();
    expect(cluster.image.endOffset).toBe(end);
  });

  it('does not unfence a new incarnation while it still stands in ISRs of the one before', () => {
    const cluster = large();
    cluster.isPaused = true;
    cluster.live.delete(1);
    cluster.register(1, 99);
    expect(cluster.heartbeat(1).isFenced).toBe(true);
    cluster.isPaused = false;
    cluster.drain();
    expect(cluster.heartbeat(1).isFenced).toBe(false);
    expect(allPartitions(cluster.image).every((row) => !row.isr.includes(1))).toBe(true);
  });

  it('elects leaders for many partitions after the last member of their ISRs is back', () => {
    const cluster = large();
    cluster.expire(expireBrokerSessions, 1, 2, 3);
    expect(allPartitions(cluster.image).every((row) => row.leader === -1 && row.isr.join() === '1')).toBe(
      true,
    );
    cluster.heartbeat(1);
    expect(findSettledViolation(cluster.image)).toBeNull();
    expect(allPartitions(cluster.image).every((row) => row.leader === 1)).toBe(true);
  });
});

describe('controlled shutdown', () => {
  function leaving(): TestCluster {
    const cluster = new TestCluster();
    cluster.start(1, 2, 3);
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2, 3]] } });
    return cluster;
  }

  it('gives leaderships away, and ends once every active broker has read of that', () => {
    const cluster = leaving();
    expect(cluster.heartbeat(1, { wantShutDown: true })).toMatchObject({
      isFenced: false,
      shouldShutDown: false,
    });
    expect(cluster.partition('a')).toMatchObject({ leader: 2, isr: [2, 3] });
    expect(cluster.heartbeat(1, { wantShutDown: true }).shouldShutDown).toBe(false);
    cluster.heartbeat(2);
    expect(cluster.heartbeat(1, { wantShutDown: true }).shouldShutDown).toBe(false);
    cluster.heartbeat(3);
    expect(cluster.heartbeat(1, { wantShutDown: true })).toMatchObject({
      isFenced: true,
      shouldShutDown: true,
    });
  });

  it('does not wait for a broker that reported only what came before', () => {
    const cluster = leaving();
    cluster.heartbeat(1, { wantShutDown: true });
    cluster.heartbeat(1, { wantShutDown: true });
    const drained = cluster.image.broker.brokers.get(1)?.drainedOffset ?? -1;
    const brokerEpoch = cluster.image.broker.brokers.get(2)?.brokerEpoch;
    cluster.heartbeat(3);
    const behind = { params: { brokerId: 2 }, body: { brokerEpoch, metadataOffset: drained } };
    cluster.ok('heartbeatBroker', behind);
    expect(cluster.heartbeat(1, { wantShutDown: true }).shouldShutDown).toBe(false);
    // Once that broker is fenced, nobody waits for it.
    cluster.expire(expireBrokerSessions, 2);
    expect(cluster.heartbeat(1, { wantShutDown: true }).shouldShutDown).toBe(true);
  });

  it('ends at once for a broker that leads nothing', () => {
    const cluster = leaving();
    expect(cluster.heartbeat(3, { wantShutDown: true })).toMatchObject({
      isFenced: true,
      shouldShutDown: true,
    });
    expect(cluster.partition('a').isr).toEqual([1, 2]);
  });

  it('lets a fenced broker go at once', () => {
    const cluster = new TestCluster();
    cluster.register(1);
    expect(cluster.heartbeat(1, { wantShutDown: true })).toMatchObject({
      isFenced: true,
      shouldShutDown: true,
    });
  });

  it('leaves a partition without a leader when nobody else is in sync', () => {
    const cluster = new TestCluster();
    cluster.start(1);
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[1]] } });
    cluster.heartbeat(1, { wantShutDown: true });
    expect(cluster.partition('a')).toMatchObject({ leader: -1, isr: [1] });
    cluster.heartbeat(1, { wantShutDown: true });
    expect(cluster.heartbeat(1, { wantShutDown: true }).shouldShutDown).toBe(true);
  });

  it('never unfences an incarnation that had begun to leave', () => {
    const cluster = leaving();
    cluster.heartbeat(1, { wantShutDown: true });
    cluster.expire(expireBrokerSessions, 1);
    expect(cluster.heartbeat(1).isFenced).toBe(true);
    cluster.live.delete(1);
    cluster.register(1, 99);
    expect(cluster.heartbeat(1).isFenced).toBe(false);
  });
});

describe('unregistering a broker', () => {
  it('is refused while it is not fenced, and forgets it afterwards', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    const input = { params: { brokerId: 1 } };
    expect(cluster.code('unregisterBroker', input)).toBe('BROKER_STILL_ACTIVE');
    cluster.expire(expireBrokerSessions, 1);
    cluster.ok('unregisterBroker', input);
    expect(cluster.code('unregisterBroker', input)).toBe('BROKER_ID_NOT_REGISTERED');
    expect(cluster.code('describeBroker', input)).toBe('BROKER_ID_NOT_REGISTERED');
    expect(cluster.live.has(1)).toBe(false);
  });
});

describe('reading brokers', () => {
  it('lists them by pages, in order of ids, and counts what they hold', () => {
    const cluster = new TestCluster();
    cluster.start(3, 1, 2);
    cluster.ok('createTopic', {
      body: {
        name: 'a',
        assignments: [
          [1, 2],
          [1, 3],
        ],
      },
    });
    const first = cluster.ok('listBrokers', { query: { limit: 2 } });
    expect(
      first.brokers.map((row) => [row.brokerId, row.replicaCount, row.leaderCount, row.isrCount]),
    ).toEqual([
      [1, 2, 2, 2],
      [2, 1, 0, 1],
    ]);
    const second = cluster.ok('listBrokers', { query: { limit: 2, continue: first.continue ?? '' } });
    expect(second.brokers.map((row) => row.brokerId)).toEqual([3]);
    expect(second.continue).toBeNull();
    expect(cluster.code('listBrokers', { query: { continue: 'x' } })).toBe('INVALID_REQUEST');
    const held = cluster.ok('listBrokerPartitions', { params: { brokerId: 1 }, query: { limit: 1 } });
    const rest = { params: { brokerId: 1 }, query: { continue: held.continue ?? '' } };
    expect([...held.partitions, ...cluster.ok('listBrokerPartitions', rest).partitions]).toHaveLength(2);
  });

  it('changes nothing by reading', () => {
    const cluster = new TestCluster();
    cluster.start(1);
    const digest = imageDigest(cluster.image);
    cluster.ok('listBrokers', {});
    cluster.ok('describeBroker', { params: { brokerId: 1 } });
    expect(imageDigest(cluster.image)).toBe(digest);
  });
});

describe('a broker that an operator holds', () => {
  const hold = (brokerId: number) => ({ params: { brokerId } });

  it('is told that it is fenced, and is so once its session is over, not before', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    cluster.ok('createTopic', { body: { name: 'a', assignments: [[1, 2]] } });
    expect(cluster.ok('fenceBroker', hold(1))).toMatchObject({ isFenced: false, isHeld: true });
    cluster.live.delete(1);
    expect(cluster.heartbeat(1)).toMatchObject({ isFenced: true, shouldShutDown: false });
    // It was not heard, and leads on until nobody can believe in its lease any more.
    expect(cluster.live.has(1)).toBe(false);
    expect(cluster.partition('a').leader).toBe(1);
    cluster.expire(expireBrokerSessions, 1);
    expect(cluster.partition('a')).toMatchObject({ leader: 2, isr: [2] });
    expect(cluster.heartbeat(1)).toMatchObject({ isFenced: true });
    expect(cluster.ok('describeBroker', hold(1))).toMatchObject({ isFenced: true, isHeld: true });
  });

  it('comes back when it is let go, by its own heartbeat', () => {
    const cluster = new TestCluster();
    cluster.start(1);
    cluster.ok('fenceBroker', hold(1));
    cluster.expire(expireBrokerSessions, 1);
    expect(cluster.ok('unfenceBroker', hold(1))).toMatchObject({ isFenced: true, isHeld: false });
    expect(cluster.heartbeat(1)).toMatchObject({ isFenced: false });
  });

  it('stays held as another incarnation, and no longer once it is unregistered', () => {
    const cluster = new TestCluster();
    cluster.start(1);
    cluster.ok('fenceBroker', hold(1));
    cluster.expire(expireBrokerSessions, 1);
    cluster.register(1, 7);
    expect(cluster.heartbeat(1)).toMatchObject({ isFenced: true });
    cluster.ok('unregisterBroker', hold(1));
    cluster.start(1);
    expect(cluster.ok('describeBroker', hold(1))).toMatchObject({ isFenced: false, isHeld: false });
  });

  it('may leave, and may be fenced at its own wish', () => {
    const cluster = new TestCluster();
    cluster.start(1, 2);
    cluster.ok('fenceBroker', hold(1));
    cluster.ok('fenceBroker', hold(2));
    expect(cluster.heartbeat(1, { wantFence: true })).toMatchObject({ isFenced: true });
    expect(cluster.ok('describeBroker', hold(1)).isFenced).toBe(true);
    expect(cluster.heartbeat(2, { wantShutDown: true })).toMatchObject({ shouldShutDown: true });
  });

  it('is held once: what is so already writes nothing, and every change moves its tag', () => {
    const cluster = new TestCluster();
    cluster.start(1);
    const tag = () => cluster.ok('describeBroker', hold(1)).lastModified;
    const before = tag();
    cluster.ok('unfenceBroker', hold(1));
    expect(tag()).toBe(before);
    cluster.ok('fenceBroker', hold(1));
    const held = tag();
    expect(held).toBeGreaterThan(before);
    cluster.ok('fenceBroker', hold(1));
    expect(tag()).toBe(held);
    cluster.ok('unfenceBroker', hold(1));
    expect(tag()).toBeGreaterThan(held);
    expect(cluster.code('fenceBroker', hold(9))).toBe('BROKER_ID_NOT_REGISTERED');
    expect(cluster.code('unfenceBroker', hold(9))).toBe('BROKER_ID_NOT_REGISTERED');
  });
});
