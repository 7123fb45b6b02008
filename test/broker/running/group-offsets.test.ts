import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { NotYet, waitFor } from '../../../bench/processes/wait.ts';
import type { RunningBroker } from '../../../src/broker/index.ts';
import {
  type Answer,
  ask,
  type ShownPartition,
  startBrokers,
  startCluster,
  startOne,
  temporaryDirectory,
  untilUnfenced,
} from './cluster.ts';

const path = '/v1/groups/billing/offsets';

/** Asks one broker after the other, until the one that keeps the group's offsets answers. */
async function askCoordinator(brokers: readonly RunningBroker[], body?: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const init = body === undefined ? {} : { method: 'PUT', headers, body: JSON.stringify(body) };
  return await waitFor('the group’s offsets are kept by somebody', async () => {
    for (const { url } of brokers) {
      const answer = await ask(url, path, init);
      if (answer.status === 200) return answer;
      expect(['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE']).toContain(answer.body['code']);
    }
    return new NotYet('nobody does');
  });
}

describe('the committed offsets of a group', () => {
  it('are the latest of each partition, also under the next leader', async () => {
    const cluster = await startCluster();
    const brokers = await startBrokers(cluster, 2);
    expect((await askCoordinator(brokers)).body).toEqual({ group: 'billing', offsets: [] });
    const orders = { topic: 'orders', partition: 0 };
    await askCoordinator(brokers, {
      offsets: [
        { ...orders, offset: 3 },
        { ...orders, partition: 1, offset: 9 },
      ],
    });
    await askCoordinator(brokers, { offsets: [{ ...orders, offset: 7, metadata: 'host-1' }] });
    const expected = [
      { ...orders, offset: 7, metadata: 'host-1' },
      { ...orders, partition: 1, offset: 9 },
    ];
    expect((await askCoordinator(brokers)).body['offsets']).toEqual(expected);
    const statuses = await Promise.all(brokers.map(async ({ url }) => (await ask(url, path)).status));
    const [leader, other] = statuses[0] === 200 ? brokers : brokers.toReversed();
    await leader?.stop();
    expect((await askCoordinator(other === undefined ? [] : [other])).body['offsets']).toEqual(expected);
  });

  it('are shortened to those that count, and kept by the next leader and over a restart', async () => {
    const cluster = await startCluster();
    const settings = { retentionCheckIntervalMs: 30, offsetsRecordsMax: 5 };
    const directory = temporaryDirectory();
    const first = await startOne(cluster, { id: 1, settings });
    const second = await startOne(cluster, { id: 2, settings, directory });
    await untilUnfenced(cluster, [1, 2]);
    const brokers = [first, second];
    const old = { topic: 'orders', partition: 0, offset: 5 };
    await askCoordinator(brokers, { offsets: [old] });
    // While it is shortened again and again.
    for (let offset = 1; offset <= 60; offset++) {
      await askCoordinator(brokers, { offsets: [{ topic: 'orders', partition: 1, offset }] });
    }
    const expected = [old, { topic: 'orders', partition: 1, offset: 60 }];
    const keeps = await waitFor('the log is short', async () => {
      for (const broker of brokers) {
        const { body } = await ask(broker.url, '/v1/partitions');
        const shown = body['partitions'] as readonly ShownPartition[];
        const longest = shown.toSorted((left, right) => right.logEndOffset - left.logEndOffset)[0];
        if (longest === undefined || longest.role !== 'leader') continue;
        const isShort = longest.logEndOffset - longest.logStartOffset < 20;
        return longest.logEndOffset > 60 && isShort ? broker : new NotYet(JSON.stringify(longest));
      }
      return new NotYet('nobody leads');
    });
    expect((await askCoordinator([keeps])).body['offsets']).toEqual(expected);
    await keeps.stop();
    const left = brokers.filter((broker) => broker !== keeps);
    expect((await askCoordinator(left)).body['offsets']).toEqual(expected);
    if (keeps !== first) return;
    await second.stop();
    const again = await startOne(cluster, { id: 2, settings, directory });
    expect((await askCoordinator([again])).body['offsets']).toEqual(expected);
  });

  it('count for so long and no longer', async () => {
    const cluster = await startCluster();
    const settings = { offsetsRetentionMs: 1, offsetsTopicReplicationFactor: 1 };
    const broker = await startOne(cluster, { id: 1, settings });
    await untilUnfenced(cluster, [1]);
    await askCoordinator([broker], { offsets: [{ topic: 'orders', partition: 0, offset: 5 }] });
    const left = await waitFor('it has expired', async () => {
      const { body } = await askCoordinator([broker]);
      return isDeepStrictEqual(body['offsets'], []) ? body : new NotYet(JSON.stringify(body));
    });
    expect(left).toEqual({ group: 'billing', offsets: [] });
  });

  it('are kept by nobody until there are brokers enough for as many replicas as they have', async () => {
    const cluster = await startCluster();
    const [first] = await startBrokers(cluster, 1);
    if (first === undefined) throw new Error('it has started');
    expect((await ask(first.url, path)).body['code']).toBe('COORDINATOR_NOT_AVAILABLE');
    const second = await startOne(cluster, { id: 2 });
    await untilUnfenced(cluster, [1, 2]);
    await askCoordinator([first, second]);
    const { partitions } = await cluster.client.listPartitions({ topic: '__consumer_offsets' });
    expect(partitions.every(({ replicas }) => replicas.length === 2)).toBe(true);
  });

  it('are refused by name where they are none', async () => {
    const cluster = await startCluster();
    const [broker] = await startBrokers(cluster, 1);
    const headers = { 'content-type': 'application/json' };
    const answer = await ask(broker?.url ?? '', path, { method: 'PUT', headers, body: '{"offsets":[]}' });
    expect(answer.body['code']).toBe('INVALID_REQUEST');
  });
});
