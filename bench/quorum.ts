import { parseArgs } from 'node:util';
import { Brokers } from './processes/brokers.ts';
import { Quorum } from './processes/quorum.ts';
import { measureBrokerLoss } from './quorum-parts/broker-loss.ts';
import { measureLeaderLoss } from './quorum-parts/failover.ts';
import { measureThroughput } from './quorum-parts/throughput.ts';
import { type OperationName, operationNames } from './quorum-parts/workload.ts';
import { report, type ReportRow } from './report.ts';
import { positive, wholeNumber } from './support/numbers.ts';

const parts = ['writes', 'leader', 'broker'] as const;

/**
 * Three real controllers with their default settings, durable writes and all: how fast they take writes, and
 * how soon they go on when their leader or a broker is lost.
 *
 *   npm run bench -- quorum [--seconds 5] [--outstanding 1,16,64,256] [--operations createTopic,amendBroker]
 *                           [--preparation 40] [--trials 10] [--broker-trials 3] [--partitions 1000]
 *                           [--only writes,leader,broker]
 */
export async function run(argumentList: readonly string[]): Promise<void> {
  const options = readOptions(argumentList);
  const quorum = await Quorum.prepare({ logLevel: 'warn' });
  let brokers: Brokers | null = null;
  try {
    await quorum.start();
    await quorum.waitForLeader();
    brokers = await Brokers.start(quorum, 3);
    const rows: ReportRow[] = [];
    if (options.only.includes('writes')) rows.push(...(await measureThroughput(quorum, options)));
    if (options.only.includes('leader')) {
      rows.push(await measureLeaderLoss(quorum, 'SIGKILL', options.trials));
      rows.push(await measureLeaderLoss(quorum, 'SIGSTOP', options.trials));
    }
    if (options.only.includes('broker')) {
      await brokers.waitUntilUnfenced(quorum);
      rows.push(await measureBrokerLoss(quorum, brokers, { ...options, trials: options.brokerTrials }));
    }
    report('quorum', rows);
  } finally {
    await brokers?.close();
    await quorum.close();
  }
}

function readOptions(argumentList: readonly string[]) {
  const { values } = parseArgs({
    args: [...argumentList],
    options: {
      seconds: { type: 'string', default: '5' },
      outstanding: { type: 'string', default: '1,16,64,256' },
      operations: { type: 'string', default: operationNames.join(',') },
      preparation: { type: 'string', default: '40' },
      trials: { type: 'string', default: '10' },
      'broker-trials': { type: 'string', default: '3' },
      partitions: { type: 'string', default: '1000' },
      only: { type: 'string', default: parts.join(',') },
    },
  });
  return {
    seconds: positive(values.seconds),
    warmUpSeconds: 1,
    preparationSeconds: wholeNumber(values.preparation),
    operations: values.operations.split(',').map(operationNamed),
    outstanding: values.outstanding.split(',').map(positive),
    trials: positive(values.trials),
    brokerTrials: positive(values['broker-trials']),
    partitions: positive(values.partitions),
    only: values.only.split(','),
  };
}

function operationNamed(text: string): OperationName {
  const name = operationNames.find((each) => each === text);
  if (name === undefined) throw new Error(`'${text}' is none of ${operationNames.join(', ')}`);
  return name;
}
