import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { brokersOf } from '../../bench/processes/brokers.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import { createTopic, partitionsOf } from './api.ts';
import { startCluster } from './harness.ts';

describe('a real broker process', () => {
  it('is fenced after kill -9, and what it led is led by others', async () => {
    const { quorum, brokers, leadership } = await startCluster();
    const { leader } = leadership;
    await createTopic(leader, 'orders', 12, 3);
    const before = await partitionsOf(leader, 'orders');
    const victim = before[0]?.leader ?? -1;
    expect(new Set(before.map((partition) => partition.leader)).size).toBe(3);

    await brokers.broker(victim).killHard();
    const after = await waitFor(
      'no partition is led by the dead broker',
      async () => {
        const partitions = await partitionsOf(leader, 'orders');
        const left = partitions.filter((partition) => partition.leader === victim).length;
        return left === 0 ? partitions : new NotYet(`it still leads ${left}`);
      },
      { describe: () => quorum.dump() },
    );
    const views = await brokersOf(leader);
    expect(views?.find(({ brokerId }) => brokerId === victim)?.isFenced).toBe(true);
    for (const partition of after) {
      expect(partition.leader).toBeGreaterThan(0);
      expect(partition.isr).not.toContain(victim);
      expect(partition.isr).toContain(partition.leader);
    }
    // Whoever still believes itself the leader is refused by the epoch.
    const moved = before.flatMap((partition, index) => (partition.leader === victim ? [index] : []));
    for (const index of moved) {
      expect(after[index]?.leaderEpoch).toBeGreaterThan(before[index]?.leaderEpoch ?? Infinity);
    }
  });

  it('is fenced where its process has ended, without its session, and not where it stands still', async () => {
    const settings = { brokerSessionTimeoutMs: 20_000 };
    const { quorum, brokers, leadership } = await startCluster({ settings });
    const before = (await brokersOf(leadership.leader)) ?? [];
    const [stopped, killed] = [brokers.broker(1), brokers.broker(2)];
    stopped.child.signal('SIGSTOP');
    await pause(2_000);
    stopped.child.signal('SIGCONT');
    // Where another controller takes over at that very moment, the session decides: then it is tried again.
    let isSeenByItsMachine = false;
    for (let round = 0; round < 3 && !isSeenByItsMachine; round++) {
      await killed.killHard();
      await waitFor(
        'the dead broker is fenced',
        async () => {
          const { leader } = await quorum.waitForLeader();
          const seen = (await brokersOf(leader)) ?? [];
          const isFenced = seen.find(({ brokerId }) => brokerId === killed.id)?.isFenced === true;
          return isFenced ? seen : new NotYet(JSON.stringify(seen));
        },
        { describe: () => quorum.dump() },
      );
      isSeenByItsMachine = quorum.dump().includes('broker-process-gone');
      await killed.start();
      await brokers.waitUntilUnfenced(quorum);
    }
    expect(isSeenByItsMachine).toBe(true);
    const after = (await brokersOf((await quorum.waitForLeader()).leader)) ?? [];
    for (const { brokerId, brokerEpoch } of before.filter((broker) => broker.brokerId !== killed.id)) {
      expect(after.find((view) => view.brokerId === brokerId)).toMatchObject({
        brokerEpoch,
        isFenced: false,
      });
    }
  });

  it('comes back after kill -9 under a higher broker epoch', async () => {
    const { quorum, brokers, leadership } = await startCluster({ brokerCount: 1 });
    const [before] = (await brokersOf(leadership.leader)) ?? [];
    await brokers.broker(1).killHard();
    await brokers.broker(1).start();
    const after = await waitFor(
      'the broker is registered anew and unfenced',
      async () => {
        const [broker] = (await brokersOf(leadership.leader)) ?? [];
        const isBack =
          broker !== undefined && broker.incarnationId !== before?.incarnationId && !broker.isFenced;
        return isBack ? broker : new NotYet(JSON.stringify(broker));
      },
      { describe: () => `${brokers.dump()}\n${quorum.dump()}` },
    );
    expect(after.brokerEpoch).toBeGreaterThan(before?.brokerEpoch ?? 0);
  });

  it('stays unfenced while the controllers change their leader', async () => {
    const { quorum, brokers, leadership } = await startCluster({ brokerCount: 2 });
    const before = (await brokersOf(leadership.leader)) ?? [];
    await leadership.leader.killHard();
    const next = await quorum.waitForLeader({ epochAbove: leadership.epoch });
    await createTopic(next.leader, 'after-the-change', 2, 2);
    const after = await brokers.waitUntilUnfenced(quorum);
    expect(after.map(({ brokerEpoch }) => brokerEpoch)).toEqual(before.map(({ brokerEpoch }) => brokerEpoch));
    expect(after.every(({ isFenced }) => !isFenced)).toBe(true);
  });

  it('leaves in good order on SIGTERM: it leads nothing before it is gone', async () => {
    const { brokers, leadership } = await startCluster();
    await createTopic(leadership.leader, 'orders', 6, 3);
    const [first] = await partitionsOf(leadership.leader, 'orders');
    const leaving = first?.leader ?? -1;
    brokers.broker(leaving).child.signal('SIGTERM');
    const end = await brokers.broker(leaving).child.waitForEnd();
    expect(end).toEqual({ code: 0, signal: null });
    const partitions = await partitionsOf(leadership.leader, 'orders');
    expect(partitions.map(({ leader }) => leader)).not.toContain(leaving);
  });
});
