import { describe, expect, it, onTestFinished } from 'vitest';
import { brokerId } from '../../src/base/brands.ts';
import { createBroker, createClient, type Broker, type BrokerEvent } from '../../src/client/index.ts';
import { serveImage } from '../http/serve-image.ts';

const listeners = [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092 }];

const isHeartbeat = ({ operationId }: { readonly operationId: string }) => operationId === 'heartbeatBroker';

function start(url: string, id: number, heartbeatIntervalMs = 50): Broker & { readonly seen: BrokerEvent[] } {
  const broker = createBroker({ controllers: [url], id, listeners, rack: `r${id}`, heartbeatIntervalMs });
  const seen: BrokerEvent[] = [];
  broker.subscribe((event) => seen.push(event));
  onTestFinished(async () => void (await broker.close({ timeoutMs: 0 })));
  return Object.assign(broker, { seen });
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
    expect(broker.seen.map((event) => event.type)).toEqual(['registered', 'unfenced']);
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

  it('tells by its watch what is assigned to it and who leads, and its heartbeats say how far it has read', async () => {
    const { url, controller } = await serveImage();
    const [first, second] = [start(url, 1), start(url, 2)];
    const events = first.events();
    await Promise.all([first.whenUnfenced(), second.whenUnfenced()]);
    const client = createClient({ endpoints: [url] });
    onTestFinished(() => client.close());
    const { offset } = await client.call('createTopic', { name: 'orders', assignments: [[2, 1]] });
    await client.createTopic({ name: 'bills', assignments: [[2]] });
    await second.close();
    await client.deleteTopic({ topic: 'orders' });
    const seen: unknown[] = [];
    for await (const event of events) {
      if (event.type === 'assignments') {
        const { assigned, unassigned } = event;
        seen.push(`${assigned.length} more, ${unassigned.length} less`);
        if (unassigned.length > 0) break;
      }
      if (event.type !== 'leadership') continue;
      seen.push(
        ...event.partitions.map(({ partition, leader, isLeader }) => ({ partition, leader, isLeader })),
      );
    }
    expect(seen).toEqual([
      '1 more, 0 less',
      { partition: 0, leader: 2, isLeader: false },
      { partition: 0, leader: 1, isLeader: true },
      '0 more, 1 less',
    ]);
    expect(first.partitions).toEqual([]);
    await expect.poll(() => first.metadataOffset).toBeGreaterThan(offset);
    const said = (): unknown[] =>
      controller.requests
        .filter(({ operationId, input }) => {
          const { brokerId } = input.params as { readonly brokerId?: number };
          return operationId === 'heartbeatBroker' && brokerId === 1;
        })
        .map(({ input }) => (input.body as { readonly metadataOffset: number }).metadataOffset);
    await expect.poll(() => said().at(-1)).toBe(first.metadataOffset);
    expect(said()).toEqual([...said()].sort((left, right) => Number(left) - Number(right)));
  });

  it('is not unfenced before it has taken in its own registration', async () => {
    const { url, controller } = await serveImage();
    const open = controller.openWatch.bind(controller);
    const held: (() => void)[] = [];
    controller.openWatch = (request, listener) =>
      open(request, {
        begun: (begin) => listener.begun(begin),
        ended: (end) => listener.ended(end),
        events: (list) => void held.push(() => listener.events(list)),
      });
    const broker = start(url, 7);
    await expect.poll(() => controller.requests.filter(isHeartbeat).length).toBeGreaterThan(2);
    expect(broker.state).toBe('fenced');
    expect(controller.image.broker.brokers.get(7)?.fenced).toBe(true);
    const release = setInterval(() => held.splice(0).forEach((give) => give()), 5);
    onTestFinished(() => clearInterval(release));
    await broker.whenUnfenced();
  });

  it('watches nothing for a program that keeps the metadata itself, and says what that has read', async () => {
    const { url, server } = await serveImage();
    const broker = createBroker({ controllers: [url], id: 7, listeners, metadataOffset: () => 1_000 });
    onTestFinished(async () => void (await broker.close({ timeoutMs: 0 })));
    await broker.whenUnfenced();
    expect(server.watchCount()).toBe(0);
    expect(broker.metadataOffset).toBe(1_000);
  });

  it('leaves in an orderly way, and says why, when the cluster says what it does not understand', async () => {
    const { url, controller } = await serveImage();
    const broker = start(url, 7);
    await broker.whenUnfenced();
    const open = controller.openWatch.bind(controller);
    controller.openWatch = (request, listener) =>
      open(request, {
        begun: (begin) => listener.begun(begin),
        ended: (end) => listener.ended(end),
        events: (list) =>
          listener.events(
            list.map((event) =>
              event.kind === 'delta'
                ? { ...event, records: event.records.map((record) => ({ ...record, type: 'NewerRecord' })) }
                : event,
            ),
          ),
      });
    const other = start(url, 8);
    const { isControlled, failure } = await other.stopped;
    expect(failure?.code).toBe('UNSUPPORTED_VERSION');
    expect(failure?.message).toContain('NewerRecord');
    expect(typeof isControlled).toBe('boolean');
    expect(broker.lease.aborted).toBe(false);
  });

  it('knows for how long its lease holds, and is closed where its scope ends', async () => {
    const { url, controller } = await serveImage();
    const broker = start(url, 7);
    expect(broker.leaseRemainingMs).toBe(0);
    await broker.whenUnfenced();
    expect(broker.leaseRemainingMs).toBeGreaterThan(0);
    expect(broker.leaseRemainingMs).toBeLessThan(9_000);
    await broker[Symbol.asyncDispose]();
    expect(broker.leaseRemainingMs).toBe(0);
    expect(controller.image.broker.brokers.get(7)?.fenced).toBe(true);
    expect(await broker.events().next()).toEqual({ done: true, value: undefined });
  });

  it('waits while another process holds its id, and says so', async () => {
    const { url, controller } = await serveImage();
    const first = start(url, 7);
    await first.whenUnfenced();
    const second = start(url, 7);
    await expect
      .poll(() => second.seen.find((event) => event.type === 'retrying'))
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
    await expect.poll(() => first.seen.at(-1)).toMatchObject({ code: 'DUPLICATE_BROKER_REGISTRATION' });
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
    await expect.poll(() => broker.seen.map((event) => event.type)).toContain('registrationLost');
    const after = await broker.whenUnfenced();
    expect(after.brokerEpoch).toBeGreaterThan(before.brokerEpoch);
    expect(before.lease.aborted).toBe(true);
  });

  it('keeps trying while nobody answers, and can still be closed at once', async () => {
    const broker = start('http://127.0.0.1:1', 7);
    await expect.poll(() => broker.seen.some((event) => event.type === 'retrying')).toBe(true);
    expect(await broker.close()).toEqual({ isControlled: false, failure: null });
  });
});
