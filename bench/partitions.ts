import { parseArgs } from 'node:util';
import { measureBrokerDeath } from './partitions-parts/broker-death.ts';
import { readProcess } from './partitions-parts/meter.ts';
import { createTopics, deleteTopics, topicSizes } from './partitions-parts/topics.ts';
import { measureTransactions } from './partitions-parts/transactions.ts';
import { Brokers } from './processes/brokers.ts';
import { Quorum } from './processes/quorum.ts';
import { report, type ReportRow } from './report.ts';
import { positive } from './support/numbers.ts';

/**
 * Three real controllers with their default settings and three brokers of three replicas for each partition: how soon
 * all is led again when a broker dies, how fast partitions come and go, what each costs in memory, and for how long
 * the leader's event loop is held up by it.
 *
 *   npm run bench -- partitions [--led 1000,10000,100000] [--trials 3] [--totals 100000,1000000,2000000]
 *                               [--per-topic 5000] [--together 1000000] [--only death,sizes,transactions]
 */
export async function run(argumentList: readonly string[]): Promise<void> {
  const options = readOptions(argumentList);
  const rows: ReportRow[] = [];
  if (options.only.includes('death')) {
    for (const partitions of options.led) {
      rows.push(
        ...(await inQuorum((quorum, brokers) =>
          measureBrokerDeath(quorum, brokers, { ...options, partitions }),
        )),
      );
    }
  }
  if (options.only.includes('sizes')) {
    for (const partitions of options.totals) {
      rows.push(await inQuorum((quorum) => measureSize(quorum, partitions, options.perTopic)));
    }
  }
  if (options.only.includes('transactions')) {
    rows.push(
      await inQuorum(async (quorum) =>
        measureTransactions((await quorum.waitForLeader()).leader, options.together),
      ),
    );
  }
  report('partitions', rows);
}

/** Each measurement begins with a quorum that has held nothing. */
async function inQuorum<T>(measure: (quorum: Quorum, brokers: Brokers) => Promise<T>): Promise<T> {
  const quorum = await Quorum.prepare({ logLevel: 'warn' });
  let brokers: Brokers | null = null;
  try {
    await quorum.start();
    await quorum.waitForLeader();
    brokers = await Brokers.start(quorum, 3);
    return await measure(quorum, brokers);
  } finally {
    await brokers?.close();
    await quorum.close();
  }
}

/** So many partitions created, held, and deleted again. */
async function measureSize(quorum: Quorum, partitions: number, perTopic: number): Promise<ReportRow> {
  const { leader } = await quorum.waitForLeader();
  const sizes = topicSizes(partitions, perTopic);
  const before = await readProcess(leader);
  const createMs = await timed(() => createTopics(leader, 'sized', sizes, null));
  const holding = await readProcess(leader);
  const deleteMs = await timed(() => deleteTopics(leader, 'sized', sizes.length));
  const after = await readProcess(leader);
  const residentMiB = holding.residentMiB - before.residentMiB;
  const row = {
    partitions,
    createdPerSecond: Math.round((partitions / createMs) * 1_000),
    deletedPerSecond: Math.round((partitions / deleteMs) * 1_000),
    residentMiB: Math.round(residentMiB),
    residentBytesPerPartition: Math.round((residentMiB * 2 ** 20) / partitions),
    longestStallCreatingMs: Math.round(holding.longestStallMs),
    longestStallDeletingMs: Math.round(after.longestStallMs),
  };
  console.log(row);
  return row;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function readOptions(argumentList: readonly string[]) {
  const { values } = parseArgs({
    args: [...argumentList],
    options: {
      led: { type: 'string', default: '1000,10000,100000' },
      trials: { type: 'string', default: '3' },
      totals: { type: 'string', default: '100000,1000000,2000000' },
      'per-topic': { type: 'string', default: '5000' },
      together: { type: 'string', default: '1000000' },
      only: { type: 'string', default: 'death,sizes,transactions' },
    },
  });
  return {
    led: values.led.split(',').map(positive),
    trials: positive(values.trials),
    totals: values.totals.split(',').map(positive),
    perTopic: positive(values['per-topic']),
    together: positive(values.together),
    only: values.only.split(','),
  };
}
