import { describe, expect, it, onTestFinished } from 'vitest';
import { brokerId } from '../../src/base/brands.ts';
import { createBroker, createClient, type Broker, type BrokerEvent } from '../../src/client/index.ts';
import { serveImage } from '../http/serve-image.ts';

const listeners = [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092 }];

function start(
  url: string,
  id: number,
  heartbeatIntervalMs = 50,
): Broker & { readonly events: BrokerEvent[] } {
  const broker = createBroker({ controllers: [url], id, listeners, rack: `r${id}`, heartbeatIntervalMs });
  const events: BrokerEvent[] = [];
  broker.subscribe((event) => events.push(event));
  onTestFinished(async () => void (await broker.close({ timeoutMs: 0 })));
  return Object.assign(broker, { events });
}

describe('a broker over HTTP', () => {
  it('registers, is unfenced, and holds a lease under its epoch', async () => {
    const { url, controller } = await serveImage();
    const broker = start(url, 7);
    expect(broker.lease.aborted).toBe(true);
    const { brokerEpoch, lease } = await broker.whenUnfenced();
    expect(lease.aborted).toBe(false);
    expect(broker.lease).toBe(lease);
    expect(broker.brokerEpoch).toBe(brokerEpoch);
    expect(broker.events.map((event) => event.type)).toEqual(['registered', 'unfenced']);
    const row = controller.image.broker.brokers.get(7);
    expect(row).toMatchObject({
      brokerEpoch,
      incarnationId: broker.incarnationId,
      fenced: false,
      rack: 'r7',
    });
  });

  it('leaves in an orderly way: its lease ends, and the controllers know', async () => {
    const { url, controller } = await serveImage();
    const broker = start(url, 7);
    const { lease } = await broker.whenUnfenced();
    expect(await broker.close()).toEqual({ isControlled: true, failure: null });
    expect(lease.aborted).toBe(true);
    expect(await broker.stopped).toEqual({ isControlled: true, failure: null });
    expect(controller.image.broker.brokers.get(7)?.fenced).toBe(true);
  });

  it('gives up its partitions before it leaves', async () => {
    const { url } = await serveImage();
    const [leaving, staying] = [start(url, 1), start(url, 2)];
    await Promise.all([leaving.whenUnfenced(), staying.whenUnfenced()]);
    const client = createClient({ endpoints: [url] });
    onTestFinished(() => client.close());
    await client.createTopic({
      name: 'orders',
      assignments: [
        [1, 2],
        [1, 2],
        [2, 1],
      ],
    });
    expect((await leaving.close()).isControlled).toBe(true);
    const { partitions } = await client.listPartitions({ topic: 'orders' });
    expect(partitions.map(({ leader, isr }) => ({ leader, isr }))).toEqual([
      { leader: 2, isr: [2] },
      { leader: 2, isr: [2] },
      { leader: 2, isr: [2] },
    ]);
  });

  it('waits while another process holds its id, and says so', async () => {
    const { url, controller } = await serveImage();
    const first = start(url, 7);
    await first.whenUnfenced();
    const second = start(url, 7);
    await expect
      .poll(() => second.events.find((event) => event.type === 'retrying'))
      .toMatchObject({
        code: 'DUPLICATE_BROKER_REGISTRATION',
      });
    expect(first.lease.aborted).toBe(false);
    // The first's session runs out, as if it had fallen silent; its next heartbeat must not come before.
    controller.intercept = ({ operationId }) => (operationId === 'heartbeatBroker' ? 'silent' : null);
    controller.forget(brokerId(7));
    await expect.poll(() => second.brokerEpoch).not.toBeNull();
    controller.intercept = () => null;
    await second.whenUnfenced();
    // The first learns that its epoch is stale, gives up its lease, and waits in its turn.
    await expect.poll(() => first.events.at(-1)).toMatchObject({ code: 'DUPLICATE_BROKER_REGISTRATION' });
    expect(first.lease.aborted).toBe(true);
    expect(first.brokerEpoch).toBeNull();
  });

  it('stops with the error when it belongs to another cluster', async () => {
    const { url } = await serveImage();
    const broker = createBroker({
      controllers: [url],
      id: 7,
      listeners,
      clusterId: 'CCCCCCCCCCCCCCCCCCCCCA',
    });
    const end = await broker.stopped;
    expect(end).toMatchObject({ isControlled: false, failure: { code: 'INCONSISTENT_CLUSTER_ID' } });
    await expect(broker.whenUnfenced()).rejects.toThrow('Broker 7 has stopped.');
  });

  it('registers again when the controllers have forgotten it', async () => {
    const { url } = await serveImage();
    const broker = start(url, 7);
    const before = await broker.whenUnfenced();
    const client = createClient({ endpoints: [url] });
    onTestFinished(() => client.close());
    const { brokerEpoch } = await client.describeBroker({ brokerId: 7 });
    const metadataOffset = brokerEpoch + 1;
    // It is fenced until its own next heartbeat, which may come before it can be unregistered.
    await expect
      .poll(async () => {
        await client.heartbeatBroker({ brokerId: 7, brokerEpoch, metadataOffset, wantFence: true });
        return await client.unregisterBroker({ brokerId: 7 }).then(
          () => 'unregistered',
          (error: Error) => error.message,
        );
      })
      .toBe('unregistered');
    await expect.poll(() => broker.events.map((event) => event.type)).toContain('registrationLost');
    const after = await broker.whenUnfenced();
    expect(after.brokerEpoch).toBeGreaterThan(before.brokerEpoch);
    expect(before.lease.aborted).toBe(true);
  });

  it('keeps trying while nobody answers, and can still be closed at once', async () => {
    const broker = start('http://127.0.0.1:1', 7);
    await expect.poll(() => broker.events.some((event) => event.type === 'retrying')).toBe(true);
    expect(await broker.close()).toEqual({ isControlled: false, failure: null });
  });
});
