import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeRecordBatch, type NewRecordBatch } from '../../../src/codec/record-batch/records.ts';
import { crc32c } from '../../../src/codec/crc32c.ts';
import { decodeReplicaAnswer } from '../../../src/broker/fetch-message.ts';
import { startBroker } from '../../../src/broker/index.ts';
import { FailingFiles } from './failing-files.ts';
import {
  ask,
  leaderOf,
  post,
  recordsPath,
  startBrokers,
  startCluster,
  startOne,
  temporaryDirectory,
  untilUnfenced,
} from './cluster.ts';

const listen = { host: '127.0.0.1', port: 0 };

function batchOf(extra: Partial<NewRecordBatch> = {}): Buffer {
  const records = [{ timestampMs: 1, key: null, value: Buffer.from('value'), headers: [] }];
  return encodeRecordBatch({ records, ...extra });
}

function changed(batch: Buffer, at: number, to: number): Buffer {
  const copy = Buffer.from(batch);
  copy[at] = to;
  return copy;
}

describe('a reference broker', () => {
  it('answers rubbish by name, and stores none of it', async () => {
    const cluster = await startCluster();
    const [broker] = await startBrokers(cluster, 1);
    await cluster.client.createTopic({
      name: 'orders',
      partitions: 1,
      replicationFactor: 1,
      configs: [{ name: 'max.message.bytes', value: '1000' }],
    });
    const { url } = await leaderOf(cluster, broker === undefined ? [] : [broker], 'orders');
    const batch = batchOf();
    const path = recordsPath('orders');
    const requests: readonly (readonly [string, Promise<{ readonly body: Record<string, unknown> }>])[] = [
      [
        'INVALID_REQUEST',
        ask(url, path, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }),
      ],
      [
        'INVALID_REQUEST',
        ask(url, path, { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } }),
      ],
      ['INVALID_REQUEST', post(url, path, {})],
      ['INVALID_REQUEST', post(url, path, { records: [] })],
      ['INVALID_REQUEST', post(url, path, { records: [{ key: 'a', keyBase64: 'YQ==' }] })],
      ['INVALID_REQUEST', post(url, path, { records: [{ valueBase64: '!' }] })],
      ['INVALID_REQUEST', post(url, path, { records: [{ value: 'a' }], producerId: 1 })],
      ['INVALID_REQUEST', post(url, `${path}?acks=2`, batch)],
      ['INVALID_REQUEST', post(url, `${path}?timeout_ms=never`, batch)],
      ['INVALID_REQUEST', post(url, recordsPath('orders').replace('/0/', '/first/'), batch)],
      ['UNKNOWN_TOPIC_OR_PARTITION', post(url, recordsPath('orders', 1), batch)],
      ['UNKNOWN_TOPIC_OR_PARTITION', post(url, recordsPath('no-such'), batch)],
      ['CORRUPT_MESSAGE', post(url, path, batch.subarray(0, -1))],
      ['CORRUPT_MESSAGE', post(url, path, changed(batch, batch.length - 1, 1))],
      ['UNSUPPORTED_FOR_MESSAGE_FORMAT', post(url, path, changed(batch, 16, 1))],
      ['INVALID_RECORD', post(url, path, Buffer.concat([batch, batch]))],
      ['INVALID_RECORD', post(url, path, new Uint8Array(0))],
      ['MESSAGE_TOO_LARGE', post(url, path, { records: [{ value: 'x'.repeat(2_000) }] })],
      ['MESSAGE_TOO_LARGE', post(url, path, { records: [{ value: 'x'.repeat(10_000_000) }] })],
      [
        'UNKNOWN_PRODUCER_ID',
        post(url, path, batchOf({ producer: { producerId: 1, producerEpoch: 0, baseSequence: 3 } })),
      ],
      ['INVALID_REQUEST', ask(url, path)],
      ['INVALID_REQUEST', ask(url, `${path}?offset=-1`)],
      ['INVALID_REQUEST', ask(url, `${path}?offset=0&max_wait_ms=1e9`)],
      ['OFFSET_OUT_OF_RANGE', ask(url, `${path}?offset=1`)],
      ['RESOURCE_NOT_FOUND', ask(url, '/v1/nothing')],
      ['METHOD_NOT_ALLOWED', ask(url, path, { method: 'DELETE' })],
      ['INVALID_REQUEST', post(url, '/v1/replica/fetch', { brokerId: 'one' })],
      ['REQUEST_TOO_LARGE', post(url, path, Buffer.alloc(40_000_000))],
    ];
    for (const [at, [code, answer]] of requests.entries()) {
      expect({ at, ...(await answer).body }).toMatchObject({ at, code });
    }
    expect((await ask(url, '/v1/topics/orders/partitions/0/offsets')).body).toMatchObject({
      logEndOffset: 0,
    });
  });

  it('refuses a fetch of another epoch, of who is not the registered incarnation, and of who holds no replica', async () => {
    const cluster = await startCluster();
    const brokers = await startBrokers(cluster, 3);
    await cluster.client.createTopic({ name: 'orders', assignments: [[1, 2]] });
    const leader = await leaderOf(cluster, brokers, 'orders');
    const { topicId } = await cluster.client.describeTopic({ topic: 'orders' });
    const { partitions } = await cluster.client.listPartitions({ topic: 'orders' });
    const currentLeaderEpoch = partitions[0]?.leaderEpoch ?? -1;
    const brokerId = leader.id === 1 ? 2 : 1;
    const registered = (await cluster.client.describeBroker({ brokerId })).brokerEpoch;
    const stranger = await cluster.client.describeBroker({ brokerId: 3 });
    const errorOf = async (
      fields: Readonly<Record<string, number | string>>,
    ): Promise<string | undefined> => {
      const { brokerId: id = brokerId, brokerEpoch = registered, ...others } = fields;
      const fetched = { topicId, partition: 0, currentLeaderEpoch, fetchOffset: 0, flushedOffset: 0 };
      const asked = { ...fetched, lastFetchedEpoch: -1, ...others };
      const body = { brokerId: id, brokerEpoch, maxWaitMs: 0, maxBytes: 1_000, partitions: [asked] };
      const response = await fetch(`${leader.url}/v1/replica/fetch`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const parts = decodeReplicaAnswer(Buffer.from(await response.arrayBuffer()));
      if (!parts.ok) throw new Error(parts.error);
      return parts.value[0]?.answer.error;
    };
    expect(await errorOf({ currentLeaderEpoch: currentLeaderEpoch - 1 })).toBe('FENCED_LEADER_EPOCH');
    expect(await errorOf({ currentLeaderEpoch: currentLeaderEpoch + 1 })).toBe('UNKNOWN_LEADER_EPOCH');
    expect(await errorOf({})).toBe(undefined);
    expect(await errorOf({ brokerEpoch: registered - 1 })).toBe('STALE_BROKER_EPOCH');
    // Believed, it would be waited for in the place of the replica that it claims to be.
    expect(await errorOf({ brokerEpoch: registered + 1_000 })).toBe('REPLICA_NOT_AVAILABLE');
    expect(await errorOf({ brokerId: 9 })).toBe('STALE_BROKER_EPOCH');
    expect(await errorOf({ brokerId: 3, brokerEpoch: stranger.brokerEpoch })).toBe('REPLICA_NOT_AVAILABLE');
    expect(await errorOf({ partition: 5 })).toBe('NOT_LEADER_OR_FOLLOWER');
  });

  it('refuses acks=all while too few replicas are in sync', async () => {
    const cluster = await startCluster();
    const brokers = await startBrokers(cluster, 2);
    await cluster.client.createTopic({
      name: 'orders',
      partitions: 1,
      replicationFactor: 2,
      configs: [{ name: 'min.insync.replicas', value: '2' }],
    });
    const leader = await leaderOf(cluster, brokers, 'orders');
    expect((await post(leader.url, recordsPath('orders'), batchOf())).status).toBe(200);
    await brokers.find((broker) => broker !== leader)?.stop();
    await expect
      .poll(
        async () =>
          (await post(leader.url, `${recordsPath('orders')}?timeout_ms=100`, batchOf())).body['code'],
      )
      .toBe('NOT_ENOUGH_REPLICAS');
  });

  it('shows as bytes what it cannot look into, and says so to whoever wants JSON', async () => {
    const cluster = await startCluster();
    const brokers = await startBrokers(cluster, 1);
    await cluster.client.createTopic({ name: 'orders', partitions: 1, replicationFactor: 1 });
    const { url } = await leaderOf(cluster, brokers, 'orders');
    const packed = changed(batchOf(), 22, 2);
    packed.writeUInt32BE(crcOf(packed), 17);
    expect((await post(url, recordsPath('orders'), packed)).status).toBe(200);
    const json = await ask(url, `${recordsPath('orders')}?offset=0`);
    expect(json.body['code']).toBe('UNSUPPORTED_COMPRESSION_TYPE');
    const bytes = await ask(url, `${recordsPath('orders')}?offset=0`, {
      headers: { accept: 'application/octet-stream' },
    });
    expect(bytes.headers.get('ottla-next-offset')).toBe('1');
    expect(bytes.headers.get('content-length')).toBe(String(packed.length));
  });

  it('does not start on a directory that is in use, or another broker’s', async () => {
    const cluster = await startCluster();
    const { controllers } = cluster;
    const { directory, stop } = await startOne(cluster, { id: 1 }).then((broker) => ({
      directory: broker.directory,
      stop: () => broker.stop(),
    }));
    await untilUnfenced(cluster, [1]);
    const second = await startBroker({ id: 1, controllers, directory, listen });
    expect(second).toMatchObject({ ok: false, error: { code: 'DIRECTORY_LOCKED' } });
    await stop();
    const other = await startBroker({ id: 2, controllers, directory, listen });
    expect(other).toMatchObject({ ok: false, error: { code: 'INCONSISTENT_BROKER_ID' } });
    const open = await startBroker({ id: 1, controllers, directory, listen: { host: '0.0.0.0', port: 0 } });
    expect(open).toMatchObject({ ok: false, error: { code: 'INSECURE_LISTENER' } });
    const settings = { replicaFetchWaitMaxMs: 9_000 };
    const unwell = await startBroker({ id: 1, controllers, directory, listen, settings });
    expect(unwell).toMatchObject({ ok: false, error: { code: 'CONFIG_INVALID' } });
  });

  it('stops at a cluster that is not the one whose data it has', async () => {
    const cluster = await startCluster();
    const directory = temporaryDirectory();
    const of = { clusterId: 'AAAAAAAAAAAAAAAAAAAAAQ', brokerId: 1, brokerEpoch: null };
    const identity = { version: 1, ...of, directoryId: 'AAAAAAAAAAAAAAAAAAAAAw', lastProcess: null };
    writeFileSync(join(directory, 'broker.json'), JSON.stringify(identity));
    const broker = await startOne(cluster, { id: 1, directory });
    const end = await broker.stopped;
    expect(end.reason === 'failed' ? end.message : '').toMatch(/^INCONSISTENT_CLUSTER_ID/);
  });

  it.each(['NO_SPACE', 'IO'] as const)(
    'stops, and acknowledges nothing more, when its disk fails: %s',
    async (code) => {
      const cluster = await startCluster();
      const files = new FailingFiles();
      const broker = await startOne(cluster, { id: 1, files });
      await untilUnfenced(cluster, [1]);
      await cluster.client.createTopic({ name: 'orders', partitions: 1, replicationFactor: 1 });
      await leaderOf(cluster, [broker], 'orders');
      expect((await post(broker.url, recordsPath('orders'), batchOf())).status).toBe(200);
      files.failure = code;
      const answer = await post(broker.url, recordsPath('orders'), batchOf());
      expect(answer.body['code']).toBe('OUTCOME_UNKNOWN');
      expect(await broker.stopped).toEqual({ reason: 'failed', message: 'the log: it was made to fail' });
    },
  );

  it('ends when it is asked to, also with a disk that fails by then under all that it holds', async () => {
    const cluster = await startCluster();
    const files = new FailingFiles();
    const broker = await startOne(cluster, { id: 1, files });
    await untilUnfenced(cluster, [1]);
    await cluster.client.createTopic({ name: 'orders', partitions: 2, replicationFactor: 1 });
    await leaderOf(cluster, [broker], 'orders');
    await leaderOf(cluster, [broker], 'orders', 1);
    files.failure = 'IO';
    expect(await broker.stop()).toMatchObject({ reason: 'asked' });
  });
});

/** As it would be made by who packs the records. */
function crcOf(batch: Buffer): number {
  return crc32c(batch.subarray(21));
}
