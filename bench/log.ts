import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createHistogram, performance } from 'node:perf_hooks';
import { assert } from '../src/base/assert.ts';
import { epoch } from '../src/base/brands.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { LogBatch } from '../src/raft/batch.ts';
import { type OpenedLog, openRaftLog } from '../src/runtime/log/open-raft-log.ts';
import type { RaftLog, RaftLogEvents } from '../src/runtime/log/raft-log.ts';
import { NodeFiles } from '../src/storage/files.ts';
import { report, type ReportRow } from './report.ts';
import { projectFolder } from './support/project.ts';

/**
 * One log on the disk that holds the project: a fixed number of appends of one batch each is kept
 * outstanding, so that groups form by themselves; then the log is opened again.
 * `npm run bench -- log [seconds for each row]`.
 */
export async function run(args: readonly string[]): Promise<void> {
  const seconds = Number(args[0] ?? 3);
  if (!(seconds > 0)) throw new Error('usage: npm run bench -- log [seconds for each row]');
  const rows: ReportRow[] = [];
  for (const batchBytes of [256, 4_096]) {
    for (const outstanding of [1, 4, 16, 64, 256, 1_024]) {
      rows.push(...(await measure(outstanding, batchBytes, seconds)));
    }
  }
  report('log', rows);
}

const segmentBytes = 67_108_864;

async function measure(
  outstanding: number,
  batchBytes: number,
  seconds: number,
): Promise<readonly ReportRow[]> {
  const parent = join(projectFolder, '.tmp');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'bench-log-'));
  try {
    const written = await append(folder, { outstanding, batchBytes, seconds });
    return [written, await reopen(folder, batchBytes)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type Load = { readonly outstanding: number; readonly batchBytes: number; readonly seconds: number };

async function append(folder: string, load: Load): Promise<ReportRow> {
  const { outstanding, batchBytes, seconds } = load;
  const payload = new Uint8Array(batchBytes).fill(0x61);
  const histogram = createHistogram();
  const sentAtMs = new Map<number, number>();
  let log: RaftLog | null = null;
  let ioId = 0;
  let flushes = 0;
  let flushed = 0;
  const events: RaftLogEvents = {
    onFlushed: (upTo) => {
      flushes++;
      const nowMs = performance.now();
      while (flushed < upTo) {
        flushed++;
        histogram.record(Math.max(1, Math.round((nowMs - (sentAtMs.get(flushed) ?? nowMs)) * 1_000)));
        sentAtMs.delete(flushed);
      }
      fill();
    },
    onTruncated: () => {},
    onFailed: (error) => assert(false, `${error.file}: ${error.message}`),
  };
  let endMs = Number.POSITIVE_INFINITY;
  const fill = (): void => {
    while (log !== null && ioId - flushed < outstanding && performance.now() < endMs) {
      ioId++;
      sentAtMs.set(ioId, performance.now());
      log.append(ioId, [batchAt(log, payload)]);
    }
  };
  log = (await open(folder, events)).log;
  const beganMs = performance.now();
  endMs = beganMs + seconds * 1_000;
  fill();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  await closed(log);
  const elapsedSeconds = (performance.now() - beganMs) / 1_000;
  return {
    measured: 'append',
    outstandingAppends: outstanding,
    batchBytes,
    writesPerSecond: Math.round(flushed / elapsedSeconds),
    flushesPerSecond: Math.round(flushes / elapsedSeconds),
    latencyP50Ms: histogram.percentile(50) / 1_000,
    latencyP99Ms: histogram.percentile(99) / 1_000,
  };
}

async function reopen(folder: string, batchBytes: number): Promise<ReportRow> {
  const events: RaftLogEvents = { onFlushed: () => {}, onTruncated: () => {}, onFailed: () => {} };
  const beganMs = performance.now();
  const { log, recovery } = await open(folder, events);
  const recoveryMs = Math.round(performance.now() - beganMs);
  assert(recovery.corruption === null, 'the log is sound');
  const batches = recovery.endOffset;
  await closed(log);
  return { measured: 'recovery', batchBytes, batchCount: batches, recoveryMs };
}

function batchAt(log: RaftLog, payload: Uint8Array): LogBatch {
  return {
    kind: 'data',
    baseOffset: log.endOffset,
    epoch: epoch(1),
    recordCount: 1,
    appendTimestampMs: 1_700_000_000_000,
    sizeInBytes: payload.length,
    body: { form: 'payload', bytes: payload },
  };
}

const clock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  afterPendingEvents: (callback) => void setImmediate(callback),
};

function open(folder: string, events: RaftLogEvents): Promise<OpenedLog> {
  const directory = join(folder, 'log');
  const options = {
    files: new NodeFiles(),
    clock,
    directory,
    segmentBytes,
    cacheBytesMax: 16_777_216,
    events,
  };
  const onCorruption = (): void => assert(false, 'a fresh log is sound');
  return new Promise((resolve) => {
    openRaftLog({ ...options, expectsLog: false, onCorruption }, (opened) => {
      assert(opened.ok, `the log opens: ${JSON.stringify(opened)}`);
      resolve(opened.value);
    });
  });
}

function closed(log: RaftLog): Promise<void> {
  return new Promise((resolve) => log.close(resolve));
}
