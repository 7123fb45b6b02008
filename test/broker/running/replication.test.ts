import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NotYet, waitFor } from '../../../bench/processes/wait.ts';
import {
  ask,
  leaderOf,
  post,
  recordsPath,
  shownPartition,
  startBrokers,
  startCluster,
  startOne,
  temporaryDirectory,
  untilUnfenced,
  valuesOf,
} from './cluster.ts';

describe('three reference brokers', () => {
  it('replicate what is produced, and show it below the high watermark', async () => {
    const cluster = await startCluster();
    const brokers = await startBrokers(cluster, 3);
    await cluster.client.createTopic({ name: 'orders', partitions: 1, replicationFactor: 3 });
    const leader = await leaderOf(cluster, brokers, 'orders');
    const records = [
      { key: 'a', value: 'one', headers: [{ key: 'h', value: 'x' }], timestamp: 5 },
      { value: 'two', timestamp: 6 },
      { keyBase64: '/w==', value: null, timestamp: 7 },
    ];
    const produced = await post(leader.url, `${recordsPath('orders')}?acks=all`, { records });
    expect(produced).toMatchObject({ status: 200, body: { baseOffset: 0, logStartOffset: 0 } });
    const consumed = await ask(leader.url, `${recordsPath('orders')}?offset=1`);
    expect(consumed.body).toEqual({
      records: [
        { offset: 1, timestamp: 6, key: null, value: 'two', headers: [] },
        { offset: 2, timestamp: 7, keyBase64: '/w==', value: null, headers: [] },
      ],
      highWatermark: 3,
      logStartOffset: 0,
      nextOffset: 3,
    });
    for (const broker of brokers) {
      await waitFor(`broker ${broker.id} has all of it`, async () => {
        const shown = await shownPartition(broker, 'orders');
        return shown?.logEndOffset === 3 && shown.highWatermark === 3
          ? true
          : new NotYet(JSON.stringify(shown));
      });
    }
    const other = brokers.find(({ id }) => id !== leader.id);
    const misdirected = await post(other?.url ?? '', recordsPath('orders'), { records });
    expect(misdirected.status).toBe(409);
    expect(misdirected.body).toMatchObject({
      code: 'NOT_LEADER_OR_FOLLOWER',
      leader: leader.id,
      details: { leaderAddress: { brokerId: leader.id, port: Number(new URL(leader.url).port) } },
    });
  });

  it('go on where they were after all of them have been stopped, and give leaderships away when one stops', async () => {
    const cluster = await startCluster();
    const brokers = await startBrokers(cluster, 3);
    await cluster.client.createTopic({ name: 'orders', partitions: 1, replicationFactor: 3 });
    const leader = await leaderOf(cluster, brokers, 'orders');
    for (let at = 0; at < 20; at++) {
      const { status } = await post(leader.url, recordsPath('orders'), { records: [{ value: `v${at}` }] });
      expect(status).toBe(200);
    }
    expect(await leader.stop()).toEqual({ reason: 'asked', isControlled: true });
    const others = brokers.filter((broker) => broker !== leader);
    const next = await leaderOf(cluster, others, 'orders');
    const expected = Array.from({ length: 20 }, (_, at) => `v${at}`);
    expect(await valuesOf(next, 'orders')).toEqual(expected);
    expect((await post(next.url, recordsPath('orders'), { records: [{ value: 'after' }] })).status).toBe(200);
    for (const broker of others) await broker.stop();
    const again = await Promise.all(brokers.map(({ id, directory }) => startOne(cluster, { id, directory })));
    await untilUnfenced(cluster, [1, 2, 3]);
    const last = await leaderOf(cluster, again, 'orders');
    expect(await valuesOf(last, 'orders')).toEqual([...expected, 'after']);
    await waitFor('the first leader has caught up', async () => {
      const shown = await shownPartition(again[leader.id - 1] ?? last, 'orders');
      const isBack = shown?.logEndOffset === 21 && shown.isr.length === 3;
      return isBack ? true : new NotYet(JSON.stringify(shown));
    });
  });

  it('acknowledge an idempotent producer’s batch that is sent again where it stands, and refuse a gap', async () => {
    const cluster = await startCluster();
    const brokers = await startBrokers(cluster, 2);
    await cluster.client.createTopic({ name: 'orders', partitions: 1, replicationFactor: 2 });
    const leader = await leaderOf(cluster, brokers, 'orders');
    const send = (baseSequence: number): ReturnType<typeof post> =>
      post(leader.url, recordsPath('orders'), {
        records: [{ value: 'a' }, { value: 'b' }],
        producerId: 7,
        producerEpoch: 0,
        baseSequence,
      });
    expect((await send(0)).body).toMatchObject({ baseOffset: 0 });
    expect((await send(2)).body).toMatchObject({ baseOffset: 2 });
    expect((await send(0)).body).toMatchObject({ baseOffset: 0 });
    expect((await send(6)).body).toMatchObject({ code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' });
    await leader.stop();
    const rest = brokers.filter((broker) => broker !== leader);
    const next = await leaderOf(cluster, rest, 'orders');
    const repeated = await post(next.url, recordsPath('orders'), {
      records: [{ value: 'a' }, { value: 'b' }],
      producerId: 7,
      producerEpoch: 0,
      baseSequence: 2,
    });
    expect(repeated.body).toMatchObject({ baseOffset: 2 });
    expect(await valuesOf(next, 'orders')).toEqual(['a', 'b', 'a', 'b']);
  });

  it('wake a consumer that waits, as soon as what it waits for is committed', async () => {
    const cluster = await startCluster();
    const brokers = await startBrokers(cluster, 2);
    await cluster.client.createTopic({ name: 'orders', partitions: 1, replicationFactor: 2 });
    const leader = await leaderOf(cluster, brokers, 'orders');
    const waiting = ask(leader.url, `${recordsPath('orders')}?offset=0&max_wait_ms=30000`);
    await post(leader.url, `${recordsPath('orders')}?acks=0`, { records: [{ value: 'news' }] });
    expect((await waiting).body).toMatchObject({ records: [{ value: 'news' }], nextOffset: 1 });
  });

  it('have nothing of a deleted topic, also under its name made anew', async () => {
    const cluster = await startCluster();
    const brokers = await startBrokers(cluster, 2);
    await cluster.client.createTopic({ name: 'orders', partitions: 1, replicationFactor: 2 });
    const first = await leaderOf(cluster, brokers, 'orders');
    await post(first.url, recordsPath('orders'), { records: [{ value: 'old' }] });
    await cluster.client.deleteTopic({ topic: 'orders' });
    for (const broker of brokers) {
      await waitFor(`broker ${broker.id} has let go of it`, async () => {
        const shown = await shownPartition(broker, 'orders');
        return shown === null ? true : new NotYet(JSON.stringify(shown));
      });
    }
    await cluster.client.createTopic({ name: 'orders', partitions: 1, replicationFactor: 2 });
    const second = await leaderOf(cluster, brokers, 'orders');
    expect(await valuesOf(second, 'orders')).toEqual([]);
  });

  it.each(['is as it was', 'is gone', 'is another one'])(
    'are believed of what they held if their folder of partitions %s',
    async (folder) => {
      const cluster = await startCluster();
      const directory = temporaryDirectory();
      const broker = await startOne(cluster, { id: 1, directory });
      await untilUnfenced(cluster, [1]);
      await cluster.client.createTopic({ name: 'orders', partitions: 1, replicationFactor: 1 });
      await leaderOf(cluster, [broker], 'orders');
      await broker.stop();
      const partitions = join(directory, 'partitions');
      if (folder !== 'is as it was') rmSync(partitions, { recursive: true });
      if (folder === 'is another one') {
        const other = await startOne(cluster, { id: 2 });
        await untilUnfenced(cluster, [2]);
        await other.stop();
        cpSync(join(other.directory, 'partitions'), partitions, { recursive: true });
      }
      await startOne(cluster, { id: 1, directory });
      await untilUnfenced(cluster, [1]);
      const { leader } = await cluster.client.describePartition({ topic: 'orders', partition: 0 });
      expect(leader).toBe(folder === 'is as it was' ? 1 : -1);
      if (folder === 'is as it was') return;
      // Also of what it says when it starts the next time, before anything was given to it.
      const identity: unknown = JSON.parse(readFileSync(join(directory, 'broker.json'), 'utf8'));
      expect(readdirSync(partitions)).toContain(
        `${(identity as { directoryId: string }).directoryId}.directory`,
      );
    },
  );
});
