import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assert } from '../../../src/base/assert.ts';
import { openPartitionLog } from '../../../src/broker/log/open-partition-log.ts';
import type { PartitionLog } from '../../../src/broker/log/partition-log.ts';
import { encodeRecordBatch } from '../../../src/codec/record-batch/records.ts';
import { NodeFiles } from '../../../src/storage/files.ts';
import { NotYet, waitFor } from '../../../bench/processes/wait.ts';
import {
  leaderOf,
  post,
  recordsPath,
  shownPartition,
  startBrokers,
  startCluster,
  startOne,
  untilUnfenced,
  valuesOf,
} from './cluster.ts';

function openLog(directory: string): Promise<PartitionLog> {
  const onFailed = (): never => {
    throw new Error('the disk fails');
  };
  const options = {
    files: new NodeFiles(),
    directory,
    segmentMs: null,
    segmentBytes: 1_000_000,
    flushes: true,
    onFailed,
  };
  return new Promise((resolve) =>
    openPartitionLog(options, (opened) => {
      assert(opened.ok, 'the log opens');
      resolve(opened.value.log);
    }),
  );
}

/** As a leader leaves it that was replaced before anybody had fetched what it appended last. */
async function appendUnseen(directory: string, leaderEpoch: number): Promise<void> {
  const log = await openLog(directory);
  const unseen = encodeRecordBatch({
    records: [{ timestampMs: 1, key: null, value: Buffer.from('unseen'), headers: [] }],
    baseOffset: log.endOffset,
    partitionLeaderEpoch: leaderEpoch,
  });
  await new Promise<void>((resolve) => log.append([unseen], resolve));
  await new Promise<void>((resolve) => log.close(resolve));
}

describe('a follower whose log parts from its leader’s', () => {
  it('cuts off what the leader of the present epoch does not have, and nothing else', async () => {
    const cluster = await startCluster();
    const brokers = await startBrokers(cluster, 2);
    await cluster.client.createTopic({ name: 'orders', partitions: 1, replicationFactor: 2 });
    const leader = await leaderOf(cluster, brokers, 'orders');
    const follower = brokers.find((broker) => broker !== leader);
    assert(follower !== undefined, 'there are two');
    await post(leader.url, recordsPath('orders'), { records: [{ value: 'both' }] });
    const { leaderEpoch = 0 } = (await shownPartition(leader, 'orders')) ?? {};
    await follower.stop();
    await leader.stop();
    const { topicId } = await cluster.client.describeTopic({ topic: 'orders' });
    await appendUnseen(join(follower.directory, 'partitions', `${topicId}-0`), leaderEpoch);

    const back = await startOne(cluster, { id: leader.id, directory: leader.directory });
    await untilUnfenced(cluster, [leader.id]);
    await leaderOf(cluster, [back], 'orders');
    await post(back.url, recordsPath('orders'), { records: [{ value: 'later' }] });
    const returned = await startOne(cluster, { id: follower.id, directory: follower.directory });
    await waitFor('the follower is in sync again', async () => {
      const shown = await shownPartition(returned, 'orders');
      return shown?.isr.length === 2 ? true : new NotYet(JSON.stringify(shown));
    });
    await back.stop();
    const last = await leaderOf(cluster, [returned], 'orders');
    expect(await valuesOf(last, 'orders')).toEqual(['both', 'later']);
  });
});
