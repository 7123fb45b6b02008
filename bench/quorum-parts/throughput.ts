import { createHistogram } from 'node:perf_hooks';
import { createClient } from '../../src/client/create-client.ts';
import type { Quorum } from '../processes/quorum.ts';
import type { ReportRow } from '../report.ts';
import { LeanConnection } from '../support/lean-http.ts';
import { type OperationName, operationTexts, Workload, type WriteRequest } from './workload.ts';

/** Sends one write for a lane of the load; resolves with true when it was acknowledged. */
type Writer = {
  readonly write: (request: WriteRequest) => Promise<boolean>;
  readonly close: () => Promise<void>;
};

export type ThroughputOptions = {
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** How long the processes work before anything is measured: Node compiles what runs often, bit by bit. */
  readonly preparationSeconds: number;
  readonly outstanding: readonly number[];
  readonly operations: readonly OperationName[];
};

export const clients = ['HTTP', 'SDK'] as const;

/** Writes per second and their latency, for each number of outstanding writes, by plain HTTP and by the SDK. */
export async function measureThroughput(
  quorum: Quorum,
  options: ThroughputOptions,
): Promise<readonly ReportRow[]> {
  const { leader } = await quorum.waitForLeader();
  const workload = await Workload.prepare(leader);
  await prepare(quorum, workload, options);
  const rows: ReportRow[] = [];
  for (const operation of options.operations) {
    for (const outstanding of options.outstanding) {
      for (const client of clients) {
        const row = await measureOne(quorum, workload, { client, operation, outstanding }, options);
        console.log(JSON.stringify(row));
        rows.push(row);
      }
    }
  }
  return rows;
}

type Setting = {
  readonly client: (typeof clients)[number];
  readonly operation: OperationName;
  readonly outstanding: number;
};

async function prepare(quorum: Quorum, workload: Workload, options: ThroughputOptions): Promise<void> {
  const { preparationSeconds, operations } = options;
  if (preparationSeconds === 0) return;
  const seconds = preparationSeconds / (clients.length * operations.length);
  for (const operation of operations) {
    for (const client of clients) {
      await measureOne(
        quorum,
        workload,
        { client, operation, outstanding: 64 },
        { seconds, warmUpSeconds: 0 },
      );
    }
  }
}

async function measureOne(
  quorum: Quorum,
  workload: Workload,
  { client, operation, outstanding }: Setting,
  { seconds, warmUpSeconds }: Pick<ThroughputOptions, 'seconds' | 'warmUpSeconds'>,
): Promise<ReportRow> {
  const { leader } = await quorum.waitForLeader();
  const writer =
    client === 'HTTP'
      ? await openLean(leader.place.httpPort, outstanding)
      : openSdk(quorum.origins, outstanding);
  const histogram = createHistogram();
  const counts = { acknowledged: 0, failed: 0 };
  const measureFromMs = performance.now() + warmUpSeconds * 1_000;
  const untilMs = measureFromMs + seconds * 1_000;
  const run = async (lane: number): Promise<void> => {
    for (let nowMs = performance.now(); nowMs < untilMs; ) {
      const isAcknowledged = await writer.write(workload.next(operation, lane));
      const endMs = performance.now();
      if (endMs >= measureFromMs && endMs < untilMs) {
        if (isAcknowledged) counts.acknowledged += 1;
        else counts.failed += 1;
        histogram.record(Math.max(1, Math.round((endMs - nowMs) * 1_000)));
      }
      nowMs = endMs;
    }
  };
  await Promise.all(Array.from({ length: outstanding }, (_, lane) => run(lane)));
  await writer.close();
  return {
    measure: 'writes',
    client,
    operation: operationTexts[operation],
    outstandingCount: outstanding,
    writesPerSecond: Math.round(counts.acknowledged / seconds),
    latencyP50Ms: histogram.percentile(50) / 1_000,
    latencyP99Ms: histogram.percentile(99) / 1_000,
    failedCount: counts.failed,
  };
}

async function openLean(port: number, outstanding: number): Promise<Writer> {
  const idle = await Promise.all(Array.from({ length: outstanding }, () => LeanConnection.open(port)));
  const all = [...idle];
  const createdStatus = 201;
  return {
    write: ({ path, body }) =>
      new Promise((resolve) => {
        const connection = idle.pop();
        if (connection === undefined) throw new Error('more writes than connections');
        connection.post(path, JSON.stringify(body), (status) => {
          idle.push(connection);
          resolve(status === createdStatus);
        });
      }),
    close: () => {
      for (const connection of all) connection.close();
      return Promise.resolve();
    },
  };
}

function openSdk(endpoints: readonly string[], outstanding: number): Writer {
  const client = createClient({ endpoints, outstandingWritesMax: outstanding });
  return {
    write: async ({ send }) => {
      try {
        await send(client);
        return true;
      } catch {
        return false;
      }
    },
    close: async () => await client.close(),
  };
}
