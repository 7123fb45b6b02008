import { parseArgs } from 'node:util';
import { createTopics, measuredRequests, type MeasuredRequest, targetOf } from './http-parts/requests.ts';
import { isWrkInstalled, runWrk } from './http-parts/wrk.ts';
import { Brokers } from './processes/brokers.ts';
import type { Controller } from './processes/controller.ts';
import { Quorum } from './processes/quorum.ts';
import { LeanLanes, runLanes } from './quorum-parts/lanes.ts';
import { report, type ReportRow } from './report.ts';
import { positive } from './support/numbers.ts';

type Options = {
  readonly seconds: number;
  readonly connections: readonly number[];
  readonly preparationSeconds: number;
};

/**
 * Three real controllers with their default settings, asked over HTTP: reads of each consistency, from the leader
 * and from a follower, a listing, the probes, and writes one by one and in batches. Reads are also measured by wrk
 * where it is installed.
 *
 *   npm run bench -- http [--seconds 5] [--connections 1,16,64] [--preparation 20]
 *
 * Clients and controllers share one machine: what is measured holds the cost of asking, too.
 */
export async function run(argumentList: readonly string[]): Promise<void> {
  const options = readOptions(argumentList);
  const hasWrk = isWrkInstalled();
  if (!hasWrk) console.log('wrk is not installed: reads are measured by our own client alone.');
  const quorum = await Quorum.prepare({ logLevel: 'warn' });
  let brokers: Brokers | null = null;
  try {
    await quorum.start();
    const { leader } = await quorum.waitForLeader();
    brokers = await Brokers.start(quorum, 3);
    await brokers.waitUntilUnfenced(quorum);
    await createTopics(leader);
    await prepare(quorum, leader, options);
    const rows: ReportRow[] = [];
    for (const request of measuredRequests()) {
      rows.push(...(await measureEach(quorum, leader, request, { ...options, hasWrk })));
    }
    report('http', rows);
  } finally {
    await brokers?.close();
    await quorum.close();
  }
}

/** Node compiles what runs often, bit by bit. */
async function prepare(quorum: Quorum, leader: Controller, options: Options): Promise<void> {
  const requests = measuredRequests();
  const seconds = options.preparationSeconds / requests.length;
  if (seconds === 0) return;
  for (const request of requests) await measure(quorum, leader, request, 16, { ...options, seconds });
}

async function measureEach(
  quorum: Quorum,
  leader: Controller,
  request: MeasuredRequest,
  options: Options & { readonly hasWrk: boolean },
): Promise<readonly ReportRow[]> {
  const rows: ReportRow[] = [];
  for (const connections of options.connections) {
    rows.push(await measure(quorum, leader, request, connections, options));
    if (!options.hasWrk || request.path === null) continue;
    rows.push(await measureByWrk(quorum, leader, request, connections, options));
  }
  return rows;
}

async function measure(
  quorum: Quorum,
  leader: Controller,
  request: MeasuredRequest,
  connections: number,
  { seconds }: Pick<Options, 'seconds'>,
): Promise<ReportRow> {
  const target = targetOf(quorum, leader, request);
  const lanes = await LeanLanes.open(target.place.httpPort, connections);
  const { writesPerSecond: requestsPerSecond, ...figures } = await runLanes(
    connections,
    (lane) => request.send(lanes, lane),
    { seconds, warmUpSeconds: Math.min(1, seconds / 5) },
  );
  lanes.close();
  return rowOf(request, 'ours', connections, { requestsPerSecond, ...figures });
}

async function measureByWrk(
  quorum: Quorum,
  leader: Controller,
  request: MeasuredRequest,
  connections: number,
  { seconds }: Options,
): Promise<ReportRow> {
  const url = `${targetOf(quorum, leader, request).origin}${request.path ?? ''}`;
  return rowOf(request, 'wrk', connections, await runWrk(url, connections, seconds));
}

type Figures = { readonly requestsPerSecond: number } & ReportRow;

function rowOf(
  { request, to, operationsPerRequest }: MeasuredRequest,
  client: 'ours' | 'wrk',
  connectionCount: number,
  { requestsPerSecond, ...figures }: Figures,
): ReportRow {
  const operationsPerSecond = requestsPerSecond * operationsPerRequest;
  const row = { request, to, client, connectionCount, requestsPerSecond, operationsPerSecond, ...figures };
  console.log(JSON.stringify(row));
  return row;
}

function readOptions(argumentList: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argumentList],
    options: {
      seconds: { type: 'string', default: '5' },
      connections: { type: 'string', default: '1,16,64' },
      preparation: { type: 'string', default: '20' },
    },
  });
  return {
    seconds: positive(values.seconds),
    connections: values.connections.split(',').map(positive),
    preparationSeconds: positive(values.preparation),
  };
}
