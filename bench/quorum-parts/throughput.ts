import { createHistogram } from 'node:perf_hooks';
import { createClient } from '../../src/client/create-client.ts';
import type { Quorum } from '../processes/quorum.ts';
import type { ReportRow } from '../report.ts';
import { LeanConnection } from '../support/lean-http.ts';

/** Sends one write; resolves with true when it was acknowledged. */
type Writer = { readonly write: (name: string) => Promise<boolean>; readonly close: () => Promise<void> };

export type ThroughputOptions = {
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly outstanding: readonly number[];
};

const operation = 'createTopic, 1 partition';
let topicsNamed = 0;

/** Writes per second and their latency, for each number of outstanding writes, by plain HTTP and by the SDK. */
export async function measureThroughput(
  quorum: Quorum,
  options: ThroughputOptions,
): Promise<readonly ReportRow[]> {
  const rows: ReportRow[] = [];
  for (const outstanding of options.outstanding) {
    for (const client of ['HTTP', 'SDK'] as const) {
      const { leader } = await quorum.waitForLeader();
      const writer =
        client === 'HTTP'
          ? await openLean(leader.place.httpPort, outstanding)
          : openSdk(quorum.origins, outstanding);
      const row = await measure(writer, client, outstanding, options);
      await writer.close();
      console.log(JSON.stringify(row));
      rows.push(row);
    }
  }
  return rows;
}

async function measure(
  writer: Writer,
  client: string,
  outstanding: number,
  { seconds, warmUpSeconds }: ThroughputOptions,
): Promise<ReportRow> {
  const histogram = createHistogram();
  const counts = { acknowledged: 0, failed: 0 };
  const measureFromMs = performance.now() + warmUpSeconds * 1_000;
  const untilMs = measureFromMs + seconds * 1_000;
  const run = async (): Promise<void> => {
    for (let nowMs = performance.now(); nowMs < untilMs; ) {
      const isAcknowledged = await writer.write(`bench-${topicsNamed++}`);
      const endMs = performance.now();
      if (endMs >= measureFromMs && endMs < untilMs) {
        if (isAcknowledged) counts.acknowledged += 1;
        else counts.failed += 1;
        histogram.record(Math.max(1, Math.round((endMs - nowMs) * 1_000)));
      }
      nowMs = endMs;
    }
  };
  await Promise.all(Array.from({ length: outstanding }, run));
  return {
    measure: 'writes',
    client,
    operation,
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
    write: (name) =>
      new Promise((resolve) => {
        const connection = idle.pop();
        if (connection === undefined) throw new Error('more writes than connections');
        connection.post(
          '/v1/topics',
          JSON.stringify({ name, partitions: 1, replicationFactor: 1 }),
          (status) => {
            idle.push(connection);
            resolve(status === createdStatus);
          },
        );
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
    write: async (name) => {
      try {
        await client.createTopic({ name, partitions: 1, replicationFactor: 1 });
        return true;
      } catch {
        return false;
      }
    },
    close: async () => await client.close(),
  };
}
