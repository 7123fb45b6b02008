import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createTopic, topicsOn } from './api.ts';
import { prepareQuorum, startCluster, startQuorum } from './harness.ts';

const cannotStartCode = 8;

describe('a controller process', () => {
  it('hands its leadership over when it is asked to stop', async () => {
    const { quorum, leadership } = await startQuorum();
    const { leader, epoch } = leadership;
    leader.child.signal('SIGTERM');
    expect(await leader.child.waitForEnd()).toEqual({ code: 0, signal: null });
    const next = await quorum.waitForLeader({ epochAbove: epoch });
    expect(next.leader.id).not.toBe(leader.id);
    // The successor that it names campaigns at once and wins: one election, without a lost one.
    expect(next.epoch).toBe(epoch + 1);
  });

  it('finds all its data when everything is stopped and started again', async () => {
    const { quorum, leadership, brokers } = await startCluster({ brokerCount: 1 });
    const created = await createTopic(leadership.leader, 'orders', 3);
    await brokers.close();
    for (const controller of quorum.controllers) await controller.stop();
    await quorum.start();
    await quorum.waitForLeader();
    for (const controller of quorum.controllers) {
      const topics = await topicsOn(controller, created.offset);
      expect(topics).toEqual([{ key: 'orders', value: '3', identity: created.topicId }]);
    }
  });

  it('restarts with two of three, where the first start needed them all', async () => {
    const quorum = await prepareQuorum();
    const [first, second, third] = quorum.controllers;
    await first?.start();
    await second?.start();
    await first?.child.waitForLine(/waiting|bootstrap/i);
    expect((await first?.view())?.clusterId ?? null).toBeNull();
    await third?.start();
    await quorum.waitForLeader();
    await Promise.all(quorum.controllers.map((controller) => controller.killHard()));
    await first?.start();
    await second?.start();
    await quorum.waitForLeader();
  });

  it('is refused a directory that another process works in, by name', async () => {
    const { quorum, leadership } = await startQuorum();
    const { id, place, pid } = leadership.leader;
    const second = await quorum.startIntruder(id, place.dataDir);
    const end = await second.child.waitForEnd();
    expect(end.code).toBe(cannotStartCode);
    expect(second.child.output).toContain(place.dataDir);
    expect(second.child.output).toContain(String(pid));
    expect((await leadership.leader.view())?.active).toBe(true);
  });

  it('says which port is taken, and ends', async () => {
    const quorum = await prepareQuorum();
    const [controller] = quorum.controllers;
    if (controller === undefined) throw new Error('there is no controller');
    const holder = createServer();
    onTestFinished(() => {
      holder.close();
    });
    for (const port of [controller.place.httpPort, controller.place.peerPort]) {
      await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve));
      const child = await controller.start();
      const end = await child.waitForEnd();
      await new Promise((resolve) => holder.close(resolve));
      expect(end.code).toBe(cannotStartCode);
      expect(child.output).toContain(String(port));
    }
  });

  it('does not start with a setting that is not there or cannot be', async () => {
    const quorum = await prepareQuorum();
    const [controller] = quorum.controllers;
    for (const settings of [{ segmentBytez: 4_096 }, { segmentBytes: 4_097 }, { electionTimeoutMs: 1 }]) {
      const child = await controller?.start({ settings });
      const end = await child?.waitForEnd();
      expect(end?.code).toBe(cannotStartCode);
      expect(child?.output).toContain(Object.keys(settings)[0]);
    }
  });

  it('leaves no lock behind after kill -9', async () => {
    const { quorum, leadership } = await startQuorum();
    await leadership.leader.killHard();
    await leadership.leader.start();
    const views = await quorum.waitUntilCaughtUp(1);
    expect(views).toHaveLength(3);
  });
});
