import { assert } from '../../../src/base/assert.ts';
import type { Result } from '../../../src/base/result.ts';
import { openPartitionLog, type OpenedPartitionLog } from '../../../src/broker/log/open-partition-log.ts';
import type { PartitionLog, PartitionLogOptions } from '../../../src/broker/log/partition-log.ts';
import type { ReadAnswer } from '../../../src/broker/log/read.ts';
import { encodeRecordBatch } from '../../../src/codec/record-batch/records.ts';
import { decodeRecordBatchHeader, recordBatchEndOffset } from '../../../src/codec/record-batch/header.ts';
import type { FileError } from '../../../src/ports/files.ts';
import { SimulatedDisk } from '../../../src/testing/world/files.ts';
import { Scheduler } from '../../../src/testing/world/scheduler.ts';

export type MadeBatch = {
  readonly bytes: Uint8Array;
  readonly baseOffset: number;
  readonly endOffset: number;
};

/** A batch as a leader places it. Its last byte is not zero, so that every part of it shows whether it was written. */
export function madeBatch(options: {
  readonly baseOffset: number;
  readonly records?: number;
  readonly valueBytes?: number;
  readonly epoch?: number;
  readonly fill?: number;
  readonly timestampMs?: number;
  readonly sequence?: number;
}): MadeBatch {
  const { baseOffset, records = 1, valueBytes = 20, epoch = 0, fill = 0, timestampMs = 1_000 } = options;
  const value = Uint8Array.from(
    { length: valueBytes },
    (_, at) => (Math.imul(fill + at, 0x9e3779b1) >>> 24) | 1,
  );
  const { sequence } = options;
  const bytes = encodeRecordBatch({
    baseOffset,
    partitionLeaderEpoch: epoch,
    records: Array.from({ length: records }, () => ({
      timestampMs,
      key: null,
      value,
      headers: [{ key: 'end', value: Uint8Array.of(255) }],
    })),
    ...(sequence === undefined
      ? {}
      : { producer: { producerId: 7, producerEpoch: 0, baseSequence: sequence } }),
  });
  return { bytes, baseOffset, endOffset: baseOffset + records };
}

/** Virtual time and a simulated disk below a partition's log. */
export class LogBench {
  readonly scheduler = new Scheduler();
  readonly disk: SimulatedDisk;
  readonly failures: FileError[] = [];
  readonly segmentBytes: number;
  readonly flushes: boolean;

  constructor(
    options: { readonly seed?: number; readonly segmentBytes?: number; readonly flushes?: boolean } = {},
  ) {
    this.disk = new SimulatedDisk({ seed: options.seed ?? 1, directories: ['/data'] });
    this.segmentBytes = options.segmentBytes ?? 2_000;
    this.flushes = options.flushes ?? true;
  }

  /** Opens the log as a new process. */
  open(): OpenedPartitionLog {
    const options: PartitionLogOptions = {
      files: this.disk.attach((delayUs, run) => void this.scheduler.schedule(delayUs, run)),
      directory: '/data/topic-0',
      segmentBytes: this.segmentBytes,
      segmentMs: null,
      flushes: this.flushes,
      onFailed: (error) => void this.failures.push(error),
    };
    let opened: Result<OpenedPartitionLog, FileError> | null = null;
    openPartitionLog(options, (result) => {
      opened = result;
    });
    this.scheduler.runUntilIdle();
    const result = opened as Result<OpenedPartitionLog, FileError> | null;
    assert(result?.ok === true, `the log opens: ${JSON.stringify(result)}`);
    return result.value;
  }

  read(log: PartitionLog, from: number, bytesMax: number): ReadAnswer {
    let answer: ReadAnswer | null = null;
    log.read(from, bytesMax, (given) => {
      answer = given;
    });
    if (answer === null) this.scheduler.runUntilIdle();
    assert(answer !== null, 'a read answers');
    return answer;
  }

  /** Every batch of the log. */
  readAll(log: PartitionLog): readonly Uint8Array[] {
    const all: Uint8Array[] = [];
    for (let at = log.startOffset; at < log.endOffset; ) {
      const answer = this.read(log, at, 700);
      assert(answer.ok, `a read at ${at} succeeds: ${JSON.stringify(answer)}`);
      assert(answer.value.length > 0, 'a read gives a batch');
      all.push(...answer.value);
      at = endOf(answer.value.at(-1));
    }
    return all;
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
}

export function endOf(batch: Uint8Array | undefined): number {
  assert(batch !== undefined, 'there is a batch');
  const header = decodeRecordBatchHeader(batch);
  assert(header.ok, 'it has a header');
  return recordBatchEndOffset(header.value);
}
