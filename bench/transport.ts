import { type ChildProcess, fork } from 'node:child_process';
import { createHistogram, performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { epoch, nodeId, offset, uuid } from '../src/base/brands.ts';
import { seededRandom } from '../src/base/random.ts';
import { encodeBatch } from '../src/codec/batch.ts';
import { decodePeerMessage, encodePeerMessage } from '../src/codec/peer-message.ts';
import type { Clock } from '../src/ports/clock.ts';
import { silentLogger } from '../src/ports/logger.ts';
import type { PeerMessage, TransportEvents } from '../src/ports/transport.ts';
import type { DataBatch, LogBatch } from '../src/raft/batch.ts';
import { defaultTransportLimits } from '../src/transport/limits.ts';
import { createTcpTransport, type TcpTransport } from '../src/transport/tcp-transport.ts';
import { report, type ReportRow } from './report.ts';

/**
 * Two processes on one machine: one asks, the other answers each fetch with an answer of the same number.
 * `npm run bench -- transport [seconds for each row]`.
 */
const answererArgument = '--answer-fetches';
const asker = nodeId(1);
const answerer = nodeId(2);
const clusterId = uuid('AAAAAAAAAAAAAAAAAAAACA');
const directoryId = uuid('AAAAAAAAAAAAAAAAAAAADA');
const loopback = '127.0.0.1';

const clock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  afterPendingEvents: (callback) => void setImmediate(callback),
};

type Started = { readonly transport: TcpTransport; readonly port: number };

function startTransport(id: typeof asker, events: TransportEvents): Promise<Started> {
  const transport = createTcpTransport(
    {
      local: { id, directoryId, clusterId },
      listen: { host: loopback, port: 0 },
      tls: null,
      insecure: false,
      limits: defaultTransportLimits,
      clock,
      random: seededRandom(id),
      logger: silentLogger,
      encode: encodePeerMessage,
      decode: decodePeerMessage,
    },
    events,
  );
  return new Promise((resolve, reject) => {
    transport.start((started) => {
      if (started.ok) resolve({ transport, port: started.value.port });
      else reject(new Error(started.error.message));
    });
  });
}

function fetchRequest(fetchId: number, answerBytes: number): PeerMessage {
  return {
    channel: 'raft',
    message: {
      type: 'fetchRequest',
      clusterId,
      epoch: epoch(1),
      replica: { id: asker, directoryId },
      // The answerer has no log; it makes an answer of as many bytes as this says.
      fetchOffset: offset(answerBytes),
      lastFetchedEpoch: epoch(0),
      flushedOffset: offset(0),
      highWatermark: offset(0),
      round: 0,
      fetchId,
      space: 'enough',
    },
  };
}

function fetchResponse(fetchId: number, batches: readonly LogBatch[]): PeerMessage {
  return {
    channel: 'raft',
    message: {
      type: 'fetchResponse',
      clusterId,
      epoch: epoch(1),
      leaderId: answerer,
      fetchId,
      outcome: {
        kind: 'records',
        fetchOffset: offset(0),
        highWatermark: offset(1),
        logStartOffset: offset(0),
        logEndOffset: offset(1),
        epochStartOffset: offset(0),
        round: 0,
        batches,
      },
    },
  };
}

function batchesOf(payloadBytes: number): readonly LogBatch[] {
  if (payloadBytes === 0) return [];
  const made: DataBatch = {
    kind: 'data',
    baseOffset: offset(0),
    epoch: epoch(1),
    recordCount: 1,
    appendTimestampMs: 1,
    sizeInBytes: payloadBytes,
    body: { form: 'payload', bytes: new Uint8Array(payloadBytes) },
  };
  const bytes = encodeBatch(made, 0);
  return [{ ...made, sizeInBytes: bytes.length, body: { form: 'encoded', bytes } }];
}

async function answerFetches(): Promise<void> {
  const batches = new Map<number, readonly LogBatch[]>();
  const answer = (fetchId: number, payloadBytes: number): void => {
    const known = batches.get(payloadBytes) ?? batchesOf(payloadBytes);
    batches.set(payloadBytes, known);
    started.transport.send(asker, fetchResponse(fetchId, known));
  };
  const started = await startTransport(answerer, {
    onMessage: (_from, { message }) => {
      if (message.type === 'fetchRequest') answer(message.fetchId, message.fetchOffset);
    },
    onConnectionOpened: () => {},
    onConnectionClosed: () => {},
  });
  process.on('message', (port) => {
    if (typeof port !== 'number') return;
    started.transport.setEndpoints(new Map([[asker, { host: loopback, port }]]));
  });
  // The parent is gone, and with it every reason to answer.
  process.on('disconnect', () => process.exit(0));
  process.send?.(started.port);
}

type Measured = { readonly outstanding: number; readonly answerBytes: number };

const measurements: readonly Measured[] = [
  { outstanding: 1, answerBytes: 0 },
  { outstanding: 16, answerBytes: 0 },
  { outstanding: 256, answerBytes: 0 },
  { outstanding: 1, answerBytes: 10_000 },
  { outstanding: 16, answerBytes: 10_000 },
  { outstanding: 1, answerBytes: 1_000_000 },
  { outstanding: 4, answerBytes: 1_000_000 },
];

class Asker {
  readonly #opened: Promise<void>;
  #transport: TcpTransport | null = null;
  #onAnswer: (fetchId: number) => void = () => {};
  #announceOpened: () => void = () => {};

  constructor() {
    this.#opened = new Promise((resolve) => {
      this.#announceOpened = resolve;
    });
  }

  async start(child: ChildProcess): Promise<void> {
    const port = await new Promise<unknown>((resolve) => child.once('message', resolve));
    if (typeof port !== 'number') throw new Error('the answering process gave no port');
    const started = await startTransport(asker, {
      onMessage: (_from, { message }) => {
        if (message.type === 'fetchResponse') this.#onAnswer(message.fetchId);
      },
      onConnectionOpened: () => this.#announceOpened(),
      onConnectionClosed: () => {
        throw new Error('a connection was lost while it was measured');
      },
    });
    this.#transport = started.transport;
    child.send(started.port);
    started.transport.setEndpoints(new Map([[answerer, { host: loopback, port }]]));
    await this.#opened;
  }

  /** Keeps `outstanding` fetches on their way for `durationMs`. */
  async measure({ outstanding, answerBytes }: Measured, durationMs: number): Promise<ReportRow> {
    const sentAtMs = new Map<number, number>();
    const histogram = createHistogram({ lowest: 1, highest: 60_000_000, figures: 3 });
    const endMs = performance.now() + durationMs;
    const startMs = performance.now();
    let nextId = 1;
    const ask = (): void => {
      sentAtMs.set(nextId, performance.now());
      this.#transport?.send(answerer, fetchRequest(nextId, answerBytes));
      nextId += 1;
    };
    await new Promise<void>((resolve) => {
      this.#onAnswer = (fetchId) => {
        const nowMs = performance.now();
        histogram.record(Math.max(1, Math.round((nowMs - (sentAtMs.get(fetchId) ?? nowMs)) * 1_000)));
        sentAtMs.delete(fetchId);
        if (nowMs < endMs) ask();
        else if (sentAtMs.size === 0) resolve();
      };
      for (let count = 0; count < outstanding; count++) ask();
    });
    const seconds = (performance.now() - startMs) / 1_000;
    const roundTrips = nextId - 1;
    return {
      outstanding,
      answerBytes,
      roundTripsPerSecond: Math.round(roundTrips / seconds),
      answersMiBPerSecond: (roundTrips * answerBytes) / seconds / 1_048_576,
      roundTripP50Ms: histogram.percentile(50) / 1_000,
      roundTripP99Ms: histogram.percentile(99) / 1_000,
    };
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#transport === null) resolve();
      else this.#transport.close(resolve);
    });
  }
}

export async function run(args: readonly string[]): Promise<void> {
  const seconds = Number(args[0] ?? 3);
  if (!(seconds > 0 && seconds <= 600)) throw new Error(`not a number of seconds up to 600: ${args[0]}`);
  const child = fork(fileURLToPath(import.meta.url), [answererArgument]);
  const asking = new Asker();
  try {
    await asking.start(child);
    const rows: ReportRow[] = [];
    // The first turn is for the compiler and is not shown.
    await asking.measure({ outstanding: 64, answerBytes: 0 }, 1_000);
    for (const measured of measurements) rows.push(await asking.measure(measured, seconds * 1_000));
    report('transport', rows);
  } finally {
    await asking.close();
    if (child.connected) child.disconnect();
  }
}

if (process.argv[2] === answererArgument && process.send !== undefined) await answerFetches();
