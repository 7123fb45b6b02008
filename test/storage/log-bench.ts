import { assert } from '../../src/base/assert.ts';
import { epoch, nodeId, offset, type Offset, uuid } from '../../src/base/brands.ts';
import type { Result } from '../../src/base/result.ts';
import { encodeBatch, statedCrc } from '../../src/codec/batch.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Files } from '../../src/ports/files.ts';
import type { ControlRecord } from '../../src/raft/control-records.ts';
import { batchEndOffset, type LogBatch } from '../../src/raft/batch.ts';
import {
  type LogOpenError,
  type OpenedLog,
  type OpenLogOptions,
  openRaftLog,
} from '../../src/runtime/log/open-raft-log.ts';
import type { LogReadError, RaftLog } from '../../src/runtime/log/raft-log.ts';
import { SimulatedDisk } from '../../src/testing/world/files.ts';
import { Scheduler } from '../../src/testing/world/scheduler.ts';

/** Virtual time and a simulated disk below a log, for tests that need no world. */
export class LogBench {
  readonly scheduler = new Scheduler();
  readonly disk: SimulatedDisk;
  readonly segmentBytes: number;
  readonly cacheBytesMax: number;
  /** What the log has told, in order. */
  readonly flushed: number[] = [];
  readonly truncated: number[] = [];
  readonly failures: string[] = [];
  files: Files;

  constructor(options: {
    readonly seed?: number;
    readonly segmentBytes?: number;
    readonly cacheBytesMax?: number;
    readonly disk?: SimulatedDisk;
  }) {
    this.disk = options.disk ?? new SimulatedDisk({ seed: options.seed ?? 1, directories: ['/data'] });
    this.segmentBytes = options.segmentBytes ?? 16 * 512;
    this.cacheBytesMax = options.cacheBytesMax ?? 4_096;
    this.files = this.attach();
  }

  attach(): Files {
    this.files = this.disk.attach((delayUs, run) => void this.scheduler.schedule(delayUs, run));
    return this.files;
  }

  get clock(): Clock {
    const { scheduler } = this;
    return {
      monotonicMs: () => scheduler.nowUs / 1_000,
      wallMs: () => 1_700_000_000_000 + Math.floor(scheduler.nowUs / 1_000),
      setTimer: (delayMs, callback) => {
        const event = scheduler.schedule(Math.ceil(delayMs * 1_000), callback);
        return { cancel: () => void (event.run = null) };
      },
      afterPendingEvents: (callback) => void scheduler.schedule(0, callback),
    };
  }

  /** Opens the log as a new process; `corruptions` counts calls of `onCorruption`. */
  open(extra: Partial<OpenLogOptions> = {}): Result<OpenedLog, LogOpenError> {
    this.attach();
    let answer: Result<OpenedLog, LogOpenError> | null = null;
    openRaftLog(this.options(extra), (result) => {
      answer = result;
    });
    assert(answer === null, 'opening answers later');
    this.scheduler.runUntilIdle();
    assert(answer !== null, 'opening answers');
    return answer;
  }

  /** Opens the log on what `attach` or `extra` gives, and leaves it to the test to let time pass. */
  openLater(extra: Partial<OpenLogOptions>, complete: Parameters<typeof openRaftLog>[1]): void {
    openRaftLog(this.options(extra), complete);
  }

  options(extra: Partial<OpenLogOptions> = {}): OpenLogOptions {
    return {
      files: this.files,
      clock: this.clock,
      directory: '/data/log',
      segmentBytes: this.segmentBytes,
      cacheBytesMax: this.cacheBytesMax,
      events: {
        onFlushed: (ioId) => void this.flushed.push(ioId),
        onTruncated: (ioId) => void this.truncated.push(ioId),
        onFailed: (error) => void this.failures.push(error.message),
      },
      expectsLog: false,
      onCorruption: (_corruption, proceed) => proceed(),
      ...extra,
    };
  }

  openSound(extra: Partial<OpenLogOptions> = {}): OpenedLog {
    const opened = this.open(extra);
    assert(opened.ok, `the log opens: ${JSON.stringify(opened)}`);
    return opened.value;
  }

  /** Lets everything happen that does within so long. */
  runFor(ms: number): void {
    const endUs = this.scheduler.nowUs + ms * 1_000;
    for (let event = this.scheduler.next(endUs); event !== null; event = this.scheduler.next(endUs)) {
      const { run } = event;
      event.run = null;
      run?.();
    }
    this.scheduler.advanceTo(endUs);
  }

  /** Lets `count` events happen. */
  steps(count: number): void {
    for (let done = 0; done < count; done++) {
      const event = this.scheduler.next(Number.MAX_SAFE_INTEGER);
      const run = event?.run;
      if (event === null || run === null || run === undefined) return;
      event.run = null;
      run();
    }
  }

  readAll(log: RaftLog, from: Offset): readonly LogBatch[] {
    const all: LogBatch[] = [];
    let at = from;
    while (at < log.endOffset) {
      const found = this.read(log, at, log.endOffset, 2_000);
      assert(found.ok, `a read at ${at} succeeds: ${JSON.stringify(found)}`);
      assert(found.value.length > 0, 'a read gives a batch');
      all.push(...found.value);
      at = batchEndOffset(found.value.at(-1) as LogBatch);
    }
    return all;
  }

  read(log: RaftLog, from: Offset, to: Offset, maxBytes: number): Result<readonly LogBatch[], LogReadError> {
    let answer: Result<readonly LogBatch[], LogReadError> | null = null;
    log.read(from, to, maxBytes, (result) => {
      answer = result;
    });
    if (answer === null) this.scheduler.runUntilIdle();
    assert(answer !== null, 'a read answers');
    return answer;
  }
}

/** A chain of batches as a leader would make them. */
export class BatchMaker {
  end: Offset;
  chainCrc: number;
  epoch: number;

  constructor(end: Offset = offset(0), chainCrc = 0, inEpoch = 1) {
    this.end = end;
    this.chainCrc = chainCrc;
    this.epoch = inEpoch;
  }

  /** An encoded data batch of `records` records and `bytes` bytes, whose content `fill` decides. */
  data(records: number, bytes: number, fill: number): LogBatch {
    const payload = new Uint8Array(bytes);
    // Multiplying spreads the bits, so that no two fills give the same bytes and zeros are rare.
    for (let at = 0; at < bytes; at++) payload[at] = (Math.imul(fill + at, 0x9e3779b1) >>> 24) | 1;
    const made: LogBatch = {
      kind: 'data',
      baseOffset: this.end,
      epoch: epoch(this.epoch),
      recordCount: records,
      appendTimestampMs: 1_700_000_000_000 + fill,
      sizeInBytes: bytes,
      body: { form: 'payload', bytes: payload },
    };
    return this.#chain(made);
  }

  control(records: readonly ControlRecord[]): LogBatch {
    return this.#chain({
      kind: 'control',
      baseOffset: this.end,
      epoch: epoch(this.epoch),
      recordCount: records.length,
      appendTimestampMs: 1_700_000_000_000,
      sizeInBytes: 0,
      records,
      body: { form: 'none' },
    });
  }

  voters(ids: readonly number[]): LogBatch {
    const voters = ids.map((id) => ({
      id: nodeId(id),
      directoryId: uuid('AAAAAAAAAAAAAAAAAAAAAQ'),
      endpoint: { host: 'localhost', port: 9_000 + id },
      kraftVersions: { min: 0, max: 1 },
    }));
    const versionRecord = { type: 'KRaftVersion', kraftVersion: ids.length } as const;
    return this.control([versionRecord, { type: 'KRaftVoters', voters }]);
  }

  #chain(made: LogBatch): LogBatch {
    const bytes = encodeBatch(made, this.chainCrc);
    const encoded: LogBatch = { ...made, body: { form: 'encoded', bytes }, sizeInBytes: bytes.length };
    this.end = batchEndOffset(encoded);
    this.chainCrc = statedCrc(encoded);
    return encoded;
  }
}

export function bytesOf(batch: LogBatch): Uint8Array {
  assert(batch.body.form === 'encoded', 'the batch is encoded');
  return batch.body.bytes;
}
