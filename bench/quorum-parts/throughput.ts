import { createClient } from '../../src/client/create-client.ts';
import type { Quorum } from '../processes/quorum.ts';
import type { ReportRow } from '../report.ts';
import { LeanLanes, type LaneTimes, runLanes } from './lanes.ts';
import { type OperationName, operationTexts, Workload, type WriteRequest } from './workload.ts';

/** Sends one write for a lane of the load; resolves with true when it was acknowledged. */
type Writer = {
  readonly write: (request: WriteRequest, lane: number) => Promise<boolean>;
  readonly close: () => Promise<void>;
};

export type ThroughputOptions = LaneTimes & {
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
  times: LaneTimes,
): Promise<ReportRow> {
  const { leader } = await quorum.waitForLeader();
  const writer =
    client === 'HTTP'
      ? await openLean(leader.place.httpPort, outstanding)
      : openSdk(quorum.origins, outstanding);
  const figures = await runLanes(
    outstanding,
    (lane) => writer.write(workload.next(operation, lane), lane),
    times,
  );
  await writer.close();
  return {
    measure: 'writes',
    client,
    operation: operationTexts[operation],
    outstandingCount: outstanding,
    ...figures,
  };
}

async function openLean(port: number, outstanding: number): Promise<Writer> {
  const lanes = await LeanLanes.open(port, outstanding);
  const createdStatus = 201;
  return {
    write: ({ path, body }, lane) => lanes.post(lane, path, JSON.stringify(body), createdStatus),
    close: () => {
      lanes.close();
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
