import { describe, expect, it } from 'vitest';
import { NotYet, waitFor } from '../../../bench/processes/wait.ts';
import type { RunningBroker } from '../../../src/broker/index.ts';
import { encodeRecordBatch } from '../../../src/codec/record-batch/records.ts';
import {
  ask,
  leaderOf,
  post,
  recordsPath,
  type ShownPartition,
  shownPartition,
  startCluster,
  startOne,
  temporaryDirectory,
  untilUnfenced,
} from './cluster.ts';

const settings = { retentionCheckIntervalMs: 30 };

/** A batch that fills more than half of the smallest segment that a topic may have. */
function largeBatch(timestampMs: number): Buffer {
  const value = Buffer.alloc(600_000, 'a');
  return encodeRecordBatch({ records: [{ timestampMs, key: null, value, headers: [] }] });
}

async function produced(leader: RunningBroker, timestampMs = Date.now()): Promise<void> {
  const answer = await post(leader.url, recordsPath('orders'), largeBatch(timestampMs));
  expect(answer.status).toBe(200);
}

async function until(
  broker: RunningBroker,
  what: string,
  isSo: (shown: ShownPartition) => boolean,
): Promise<ShownPartition> {
  return await waitFor(`broker ${broker.id} has ${what}`, async () => {
    const shown = await shownPartition(broker, 'orders');
    return shown !== null && isSo(shown) ? shown : new NotYet(JSON.stringify(shown));
  });
}

describe('what a topic does not keep', () => {
  it('is removed by its leader, then by its followers, also by one that was away for longer than it was kept', async () => {
    const cluster = await startCluster();
    const directory = temporaryDirectory();
    const [first, second, away] = await Promise.all([
      startOne(cluster, { id: 1, settings }),
      startOne(cluster, { id: 2, settings }),
      startOne(cluster, { id: 3, settings, directory }),
    ]);
    await untilUnfenced(cluster, [1, 2, 3]);
    const configs = [
      { name: 'segment.bytes', value: '1048576' },
      { name: 'retention.bytes', value: '1000000' },
    ];
    await cluster.client.createTopic({ name: 'orders', assignments: [[1, 2, 3]], configs });
    const leader = await leaderOf(cluster, [first], 'orders');
    await produced(leader);
    await until(away, 'a record', ({ logEndOffset }) => logEndOffset === 1);
    await away.stop();
    for (let record = 0; record < 5; record++) await produced(leader);
    // One segment of 600 kB would be less than is kept.
    const logStartOffset = 4;
    await until(first, 'removed all but two', (shown) => shown.logStartOffset >= logStartOffset);
    await until(second, 'removed as much', (shown) => shown.logStartOffset === logStartOffset);

    const back = await startOne(cluster, { id: 3, settings, directory });
    const caughtUp = await until(back, 'what is left', ({ isr }) => isr.includes(3));
    expect(caughtUp).toMatchObject({ logStartOffset, logEndOffset: 6 });

    const early = await ask(leader.url, `${recordsPath('orders')}?offset=1`);
    expect(early.body).toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      details: { logStartOffset, highWatermark: 6 },
    });
    await first.stop();
    const next = await leaderOf(cluster, [second, back], 'orders');
    const offsets = await ask(next.url, '/v1/topics/orders/partitions/0/offsets');
    expect(offsets.body).toMatchObject({ logStartOffset, highWatermark: 6, logEndOffset: 6 });
  });

  it('is removed whole when all of it is too old, and offsets go on from there, also after a restart', async () => {
    const cluster = await startCluster();
    const directory = temporaryDirectory();
    const broker = await startOne(cluster, { id: 1, settings, directory });
    await untilUnfenced(cluster, [1]);
    const configs = [{ name: 'retention.ms', value: '60000' }];
    await cluster.client.createTopic({ name: 'orders', assignments: [[1]], configs });
    await leaderOf(cluster, [broker], 'orders');
    await produced(broker, Date.now() - 3_600_000);
    await produced(broker, Date.now() - 3_600_000);
    await until(broker, 'removed all', (shown) => shown.logStartOffset === 2);
    await broker.stop();
    const again = await startOne(cluster, { id: 1, settings, directory });
    await leaderOf(cluster, [again], 'orders');
    await produced(again);
    expect(await shownPartition(again, 'orders')).toMatchObject({ logStartOffset: 2, logEndOffset: 3 });
  });
});
