import { Agent } from 'node:http';
import { readFileSync } from 'node:fs';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient, type Client } from '../src/client/create-client.ts';
import { Quorum } from './processes/quorum.ts';
import { Workload } from './quorum-parts/workload.ts';
import { report, type ReportRow } from './report.ts';
import { positive } from './support/numbers.ts';
import { type Arrivals, BenchWatcher, type StreamForm } from './watch-parts/watcher.ts';

type Options = {
  readonly watchers: number;
  readonly writesPerSecond: number;
  readonly seconds: number;
  readonly onLeader: boolean;
};

/**
 * Three real controllers and those who watch them, half by server-sent events and half by the binary stream, while
 * writes go on: how long a write takes to be at everybody's, counted from when it was sent, and whether all have
 * come in order.
 *
 *   npm run bench -- watch [--watchers 2000] [--writes 20] [--seconds 10] [--on-leader]
 *
 * Readers and controllers share one machine: what is measured holds the cost of reading, too.
 */
export async function run(argumentList: readonly string[]): Promise<void> {
  const options = readOptions(argumentList);
  const quorum = await Quorum.prepare({ logLevel: 'warn' });
  const client = createClient({ endpoints: quorum.origins });
  try {
    await quorum.start();
    const { leader } = await quorum.waitForLeader();
    const workload = await Workload.prepare(leader);
    const origins = options.onLeader ? [leader.origin] : quorum.origins;
    report('watch', await measure(quorum, client, workload, origins, options));
  } finally {
    await client.close();
    await quorum.close();
  }
}

async function measure(
  quorum: Quorum,
  client: Client,
  workload: Workload,
  origins: readonly string[],
  options: Options,
): Promise<readonly ReportRow[]> {
  const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
  const memoryBefore = memoryMiB(quorum);
  const since = (await client.describeQuorum()).highWatermark;
  const arrivals = { SSE: new Map(), binary: new Map() } as const satisfies Record<StreamForm, Arrivals>;
  const watchers = Array.from({ length: options.watchers }, (_, at) => {
    const form: StreamForm = at % 2 === 0 ? 'SSE' : 'binary';
    return { form, watcher: new BenchWatcher(form, since, arrivals[form]) };
  });
  for (const [at, { watcher }] of watchers.entries()) {
    // A few at a time, as clients come; a flood of connections is another measurement.
    await watcher.open(origins[at % origins.length] ?? '', agent);
  }
  const sentAt = await write(client, workload, options);
  const end = Math.max(...sentAt.keys());
  await untilAllHave(
    watchers.map(({ watcher }) => watcher),
    end,
  );
  const memoryAfter = memoryMiB(quorum);
  for (const { watcher } of watchers) watcher.close();
  agent.destroy();
  return (['SSE', 'binary'] as const).map((form) => ({
    stream: form,
    ...summary(
      watchers.filter((each) => each.form === form).map(({ watcher }) => watcher),
      end,
    ),
    writes: sentAt.size,
    ...latencies(arrivals[form], sentAt),
    // Of the three controllers together, with all watchers of both forms.
    memoryBeforeMiB: memoryBefore,
    memoryAfterMiB: memoryAfter,
  }));
}

/** One write at a time, so that each is a batch of its own; by the offset at which it ends, when it was sent. */
async function write(client: Client, workload: Workload, options: Options): Promise<Map<number, number>> {
  const sentAt = new Map<number, number>();
  const beganMs = performance.now();
  for (let count = 0; performance.now() < beganMs + options.seconds * 1000; count++) {
    const request = workload.next('amendBroker', 0);
    const sentMs = performance.now();
    await request.send(client);
    // Nobody else writes, so what this client has seen last is where its own write ends.
    sentAt.set(client.offset, sentMs);
    const nextMs = beganMs + ((count + 1) * 1000) / options.writesPerSecond;
    await sleep(Math.max(0, nextMs - performance.now()));
  }
  return sentAt;
}

const waitMs = 60_000;

async function untilAllHave(watchers: readonly BenchWatcher[], end: number): Promise<void> {
  const deadlineMs = performance.now() + waitMs;
  while (performance.now() < deadlineMs && watchers.some(({ position }) => position < end)) await sleep(20);
}

function summary(watchers: readonly BenchWatcher[], end: number): ReportRow {
  return {
    watchers: watchers.length,
    received: watchers.reduce((sum, { received }) => sum + received, 0),
    outOfOrderOrLost: watchers.reduce((sum, { faults }) => sum + faults, 0),
    behindAtTheEnd: watchers.filter(({ position }) => position < end).length,
    cutOff: watchers.filter(({ isOpen }) => !isOpen).length,
  };
}

function latencies(arrivals: Arrivals, sentAt: ReadonlyMap<number, number>): ReportRow {
  const histogram = createHistogram();
  for (const [offset, sentMs] of sentAt) {
    for (const arrivedMs of arrivals.get(offset) ?? []) {
      histogram.record(Math.max(1, Math.round((arrivedMs - sentMs) * 1000)));
    }
  }
  const inMs = (us: number): number => Math.round(us / 10) / 100;
  return {
    p50Ms: inMs(histogram.percentile(50)),
    p99Ms: inMs(histogram.percentile(99)),
    p999Ms: inMs(histogram.percentile(99.9)),
    maximumMs: inMs(histogram.max),
  };
}

/** Null where the system does not tell. */
function memoryMiB(quorum: Quorum): number | null {
  let sum = 0;
  for (const { pid } of quorum.controllers) {
    const residentKiB = residentMemoryKiB(pid);
    if (residentKiB === null) return null;
    sum += residentKiB;
  }
  return Math.round(sum / 1024);
}

function residentMemoryKiB(pid: number): number | null {
  try {
    const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}

function readOptions(argumentList: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argumentList],
    options: {
      watchers: { type: 'string', default: '2000' },
      writes: { type: 'string', default: '20' },
      seconds: { type: 'string', default: '10' },
      'on-leader': { type: 'boolean', default: false },
    },
  });
  return {
    watchers: positive(values.watchers),
    writesPerSecond: positive(values.writes),
    seconds: positive(values.seconds),
    onLeader: values['on-leader'],
  };
}
