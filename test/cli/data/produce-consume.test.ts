import { describe, expect, it } from 'vitest';
import { startBrokers, startCluster, type TestCluster } from '../../broker/running/cluster.ts';
import { cli, type CliRun } from '../run.ts';

function lines(...all: readonly string[]): () => AsyncIterable<string> {
  return async function* () {
    yield* all;
  };
}

async function run(
  { controllers }: TestCluster,
  args: readonly string[],
  readLines = lines(),
): Promise<CliRun> {
  return await cli([...args, '--endpoints', controllers.join(',')], { readLines });
}

describe('ottla produce and ottla consume', () => {
  it('write lines and show them again, wherever the leader is', async () => {
    const cluster = await startCluster();
    const brokers = await startBrokers(cluster, 2);
    await cluster.client.createTopic({ name: 'orders', partitions: 1, replicationFactor: 2 });
    const written = await run(
      cluster,
      ['produce', '--topic', 'orders', '--key', 'k'],
      lines('one', 'two', 'drei ü'),
    );
    expect(written).toMatchObject({
      exitCode: 0,
      out: 'orders 0: 3 records, the first of them at offset 0.\n',
      err: '',
    });
    const consume = ['consume', '--topic', 'orders'];
    const all = await run(cluster, [...consume, '--from-beginning']);
    expect(all).toMatchObject({ exitCode: 0, out: 'one\ntwo\ndrei ü\n' });
    const { partitions } = await cluster.client.listPartitions({ topic: 'orders' });
    await brokers.find(({ id }) => id === partitions[0]?.leader)?.stop();
    const later = await run(cluster, [...consume, '--offset', '1', '-o', 'wide', '--limit', '1']);
    expect(later).toMatchObject({ exitCode: 0, out: '0\t1\tk\ttwo\n' });
    expect(await run(cluster, consume)).toMatchObject({ exitCode: 0, out: '' });
    const json = await run(cluster, [...consume, '--offset', '2', '-o', 'json']);
    expect(JSON.parse(json.out)).toMatchObject({ partition: 0, offset: 2, key: 'k', value: 'drei ü' });
  });

  it('follow a topic of several partitions until enough is shown', async () => {
    const cluster = await startCluster();
    await startBrokers(cluster, 1);
    await cluster.client.createTopic({ name: 'orders', partitions: 3, replicationFactor: 1 });
    const following = run(cluster, [
      'consume',
      '--topic',
      'orders',
      '--from-beginning',
      '--follow',
      '--limit',
      '4',
    ]);
    for (const line of ['a', 'b', 'c', 'd'])
      await run(cluster, ['produce', '--topic', 'orders'], lines(line));
    const { out } = await following;
    expect(out.trim().split('\n').toSorted()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('say what is wrong with what was asked, by exit code and name', async () => {
    const cluster = await startCluster();
    await startBrokers(cluster, 1);
    await cluster.client.createTopic({ name: 'orders', partitions: 1, replicationFactor: 1 });
    const unknown = await run(cluster, ['produce', '--topic', 'nothing'], lines('a'));
    expect(unknown.exitCode).toBe(4);
    expect(unknown.err).toContain('UNKNOWN_TOPIC_OR_PARTITION');
    expect(
      (await run(cluster, ['produce', '--topic', 'orders', '--partition', '1'], lines('a'))).exitCode,
    ).toBe(2);
    const both = await run(cluster, ['consume', '--topic', 'orders', '--from-beginning', '--offset', '0']);
    expect(both.exitCode).toBe(2);
    const beyond = await run(cluster, ['consume', '--topic', 'orders', '--offset', '7', '--follow']);
    expect(beyond.exitCode).toBe(4);
    expect(beyond.err).toContain('OFFSET_OUT_OF_RANGE');
  });
});
