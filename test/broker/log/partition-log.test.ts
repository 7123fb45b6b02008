import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assert } from '../../../src/base/assert.ts';
import { openPartitionLog, type OpenedPartitionLog } from '../../../src/broker/log/open-partition-log.ts';
import type { PartitionLog, PartitionLogOptions } from '../../../src/broker/log/partition-log.ts';
import type { Retention } from '../../../src/broker/log/retention.ts';
import { NodeFiles } from '../../../src/storage/files.ts';
import { endOf, LogBench, type MadeBatch, madeBatch } from './log-bench.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ottla-partition-log-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function open(extra: Partial<PartitionLogOptions> = {}): Promise<OpenedPartitionLog> {
  const options: PartitionLogOptions = {
    files: new NodeFiles(),
    directory: join(root, 'topic-0'),
    segmentBytes: 1_000,
    segmentMs: null,
    flushes: true,
    onFailed: (error) => {
      throw new Error(error.message);
    },
    ...extra,
  };
  return new Promise((resolve) =>
    openPartitionLog(options, (result) => {
      assert(result.ok, `the log opens: ${JSON.stringify(result)}`);
      resolve(result.value);
    }),
  );
}

function appended(log: PartitionLog, batches: readonly MadeBatch[]): Promise<void> {
  return new Promise((resolve) =>
    log.append(
      batches.map(({ bytes }) => bytes),
      resolve,
    ),
  );
}

function read(log: PartitionLog, from: number, bytesMax: number): Promise<readonly number[]> {
  return new Promise((resolve) =>
    log.read(from, bytesMax, (answer) => {
      assert(answer.ok, `it is read: ${JSON.stringify(answer)}`);
      resolve(answer.value.map((batch) => endOf(batch)));
    }),
  );
}

async function advanced(log: PartitionLog, offset: number): Promise<number> {
  await new Promise<void>((resolve) => log.advanceStart({ offset, epochBefore: 0 }, resolve));
  return log.startOffset;
}

/** `count` batches of one record each, numbered by a producer. */
function batches(from: number, count: number): readonly MadeBatch[] {
  return Array.from({ length: count }, (_, at) =>
    madeBatch({
      baseOffset: from + at,
      valueBytes: 150,
      fill: from + at,
      sequence: from + at,
      timestampMs: 1_000 * (from + at),
    }),
  );
}

const keepsAll: Retention = { nowMs: 0, retentionMs: null, retentionBytes: null, highWatermark: 0 };

describe('a partition’s log in files', () => {
  it('keeps what was appended over a restart, and says what its replica needs to know', async () => {
    const { log } = await open();
    await appended(log, batches(0, 4));
    await appended(log, [madeBatch({ baseOffset: 4, epoch: 2, sequence: 4 })]);
    // As kill -9 leaves it: nothing is closed.
    const { log: reopened, recovery } = await open();
    expect(reopened.endOffset).toBe(5);
    expect(recovery).toMatchObject({ isClean: true, damage: null });
    expect(recovery.epochs).toEqual([
      { epoch: 0, startOffset: 0 },
      { epoch: 2, startOffset: 4 },
    ]);
    expect(recovery.produced.map(({ baseSequence }) => baseSequence)).toEqual([0, 1, 2, 3, 4]);
    expect(await read(reopened, 0, 10_000)).toEqual([1, 2, 3, 4]);
    expect(await read(reopened, 4, 10_000)).toEqual([5]);
  });

  it('gives whole batches from the one that holds an offset on, and one that is too large alone', async () => {
    const { log } = await open({ segmentBytes: 1_000_000 });
    await appended(log, [
      madeBatch({ baseOffset: 0, records: 5, valueBytes: 100 }),
      madeBatch({ baseOffset: 5, records: 5, valueBytes: 200_000 }),
      madeBatch({ baseOffset: 10, records: 5, valueBytes: 100 }),
    ]);
    expect(await read(log, 3, 10)).toEqual([5]);
    expect(await read(log, 7, 10)).toEqual([10]);
    expect(await read(log, 7, 5_000_000)).toEqual([10, 15]);
    expect(await read(log, 15, 5_000_000)).toEqual([]);
  });

  it('is divided into segments that are named by their first offsets', async () => {
    const { log } = await open();
    for (const batch of batches(0, 8)) await appended(log, [batch]);
    const names = readdirSync(join(root, 'topic-0'));
    expect(names.length).toBeGreaterThan(1);
    expect(names[0]).toBe('00000000000000000000.log');
    expect(names.every((name) => /^\d{20}\.log$/.test(name))).toBe(true);
  });

  it('is cut over segments, and goes on from there', async () => {
    const { log } = await open();
    for (const batch of batches(0, 8)) await appended(log, [batch]);
    await new Promise<void>((resolve) => log.truncate(2, resolve));
    expect(log.endOffset).toBe(2);
    await appended(log, [madeBatch({ baseOffset: 2, epoch: 1 })]);
    expect(await read(log, 0, 10_000)).toEqual([1, 2, 3]);
    const { log: reopened } = await open();
    expect(reopened.endOffset).toBe(3);
  });

  it('loses its oldest segments by age and by size, and none above the high watermark', async () => {
    const { log } = await open();
    for (const batch of batches(0, 12)) await appended(log, [batch]);
    const retained = (policy: Partial<Retention>): Promise<number> =>
      advanced(log, log.retainedFrom({ ...keepsAll, ...policy }));
    expect(await retained({ retentionBytes: 0, highWatermark: 2 })).toBe(0);
    const byAge = await retained({ nowMs: 9_000, retentionMs: 5_000, highWatermark: 12 });
    expect(byAge).toBeGreaterThan(0);
    expect(byAge).toBeLessThanOrEqual(4);
    expect(await retained({ retentionBytes: log.sizeInBytes, highWatermark: 12 })).toBe(byAge);
    const bySize = await retained({ retentionBytes: 900, highWatermark: 12 });
    expect(bySize).toBeGreaterThan(byAge);
    expect(log.sizeInBytes).toBeGreaterThanOrEqual(900);
    // All that it has is too old: it begins anew where it ends.
    expect(await retained({ nowMs: 100_000, retentionMs: 5_000, highWatermark: 12 })).toBe(12);
    expect(log.endOffset).toBe(12);
    await appended(log, batches(12, 1));
    const { log: reopened, recovery } = await open();
    expect([reopened.startOffset, reopened.endOffset]).toEqual([12, 13]);
    expect(recovery.isClean).toBe(true);
    reopened.read(3, 100, (answer) => expect(answer.ok ? '' : answer.error.code).toBe('OFFSET_OUT_OF_RANGE'));
  });

  it('begins where it was told to after a restart, also within a segment, and knows the epoch below', async () => {
    const { log } = await open({ segmentBytes: 100_000 });
    for (const batch of batches(0, 6)) await appended(log, [batch]);
    await advanced(log, 4);
    const { log: reopened, recovery } = await open();
    expect([reopened.startOffset, reopened.endOffset]).toEqual([4, 6]);
    expect(recovery.epochs).toEqual([{ epoch: 0, startOffset: 3 }]);
    expect(recovery.produced.map(({ baseOffset }) => baseOffset)).toEqual([4, 5]);
    reopened.read(3, 100, (answer) => expect(answer.ok ? '' : answer.error.code).toBe('OFFSET_OUT_OF_RANGE'));
  });

  it('is begun anew at another offset, with nothing left of what it was', async () => {
    const { log } = await open();
    for (const batch of batches(0, 6)) await appended(log, [batch]);
    await advanced(log, 4);
    await new Promise<void>((resolve) => log.reset({ offset: 20, epochBefore: 3 }, resolve));
    await appended(log, [madeBatch({ baseOffset: 20, epoch: 5 })]);
    const { log: reopened, recovery } = await open();
    expect([reopened.startOffset, reopened.endOffset]).toEqual([20, 21]);
    expect(recovery).toMatchObject({ isClean: true, produced: [] });
    expect(recovery.epochs).toEqual([
      { epoch: 3, startOffset: 19 },
      { epoch: 5, startOffset: 20 },
    ]);
    await new Promise<void>((resolve) => reopened.reset({ offset: 0, epochBefore: -1 }, resolve));
    const { log: again } = await open();
    expect([again.startOffset, again.endOffset]).toEqual([0, 0]);
    expect(readdirSync(join(root, 'topic-0'))).toEqual(['00000000000000000000.log']);
  });

  it('takes a first segment that is gone, and a log that ends before it begins, for a loss', async () => {
    for (const lost of [0, 1]) {
      const { log } = await open();
      const from = log.endOffset;
      for (const batch of batches(from, 12)) await appended(log, [batch]);
      await advanced(log, from + 7);
      await new Promise<void>((resolve) => log.close(resolve));
      const segments = readdirSync(join(root, 'topic-0')).filter((name) => name.endsWith('.log'));
      for (const name of lost === 0 ? segments.slice(0, 1) : segments) rmSync(join(root, 'topic-0', name));
      const { log: reopened, recovery } = await open();
      expect(recovery.isClean).toBe(false);
      expect([reopened.startOffset, reopened.endOffset]).toEqual([from + 7, from + 7]);
      reopened.forgetDamage(() => undefined);
      await new Promise<void>((resolve) => reopened.close(resolve));
    }
  });

  it('begins a segment when what comes is so much later than what the last one began with', async () => {
    const { log } = await open({ segmentBytes: 100_000, segmentMs: 2_500 });
    for (const batch of batches(0, 7)) await appended(log, [batch]);
    const names = readdirSync(join(root, 'topic-0')).map((name) => Number.parseInt(name, 10));
    expect(names).toEqual([0, 3, 6]);
  });

  it('is asked for nothing more once it is closed', async () => {
    const { log } = await open();
    await appended(log, batches(0, 8));
    await new Promise<void>((resolve) => log.close(resolve));
    expect(() => log.append([], () => undefined)).toThrow('a closed log');
  });
});

describe('a partition’s log while it writes', () => {
  it('gives what is not on disk yet, and completes an append only when it is', () => {
    const bench = new LogBench();
    const { log } = bench.open();
    const completed: number[] = [];
    for (const [at, { bytes }] of batches(0, 3).entries()) log.append([bytes], () => void completed.push(at));
    const answer = bench.read(log, 1, 10_000);
    expect(answer.ok && answer.value.map((batch) => endOf(batch))).toEqual([2, 3]);
    expect(completed).toEqual([]);
    bench.scheduler.runUntilIdle();
    expect(completed).toEqual([0, 1, 2]);
  });

  it('never completes what is cut off before it is on disk, and shows what takes its place', () => {
    const bench = new LogBench();
    const { log } = bench.open();
    const completed: string[] = [];
    for (const { bytes } of batches(0, 3)) log.append([bytes], () => void completed.push('first'));
    bench.steps(1);
    log.truncate(1, () => void completed.push('cut'));
    const other = madeBatch({ baseOffset: 1, epoch: 4, fill: 77 });
    log.append([other.bytes], () => void completed.push('other'));
    const before = bench.read(log, 1, 10_000);
    expect(before.ok && before.value).toEqual([other.bytes]);
    bench.scheduler.runUntilIdle();
    expect(completed).toEqual(['first', 'cut', 'other']);
    const after = bench.read(log, 1, 10_000);
    expect(after.ok && after.value.map((batch) => Buffer.compare(batch, other.bytes))).toEqual([0]);
  });

  // Found by the model: the file had become shorter than it was when the read began.
  it('is read below a cut while it is being cut', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const bench = new LogBench({ seed, segmentBytes: 100_000 });
      const { log } = bench.open();
      for (const { bytes } of batches(0, 8)) log.append([bytes], () => undefined);
      bench.scheduler.runUntilIdle();
      log.truncate(4, () => undefined);
      bench.steps(seed % 3);
      const answer = bench.read(log, 0, 100_000);
      expect(answer.ok && answer.value.length).toBe(4);
    }
  });

  it('stops at the first write that fails, completes nothing after it, and can be closed', () => {
    const bench = new LogBench();
    const { log } = bench.open();
    let completed = 0;
    bench.disk.failNext.fdatasync = 1;
    log.append([madeBatch({ baseOffset: 0 }).bytes], () => completed++);
    bench.scheduler.runUntilIdle();
    log.append([madeBatch({ baseOffset: 1 }).bytes], () => completed++);
    bench.scheduler.runUntilIdle();
    expect(bench.failures.map(({ code }) => code)).toEqual(['IO']);
    expect(completed).toBe(0);
    log.close(() => completed++);
    expect(completed).toBe(1);
  });

  it.each(['a write', 'the last flush'])('is closed also where %s fails meanwhile', (what) => {
    const bench = new LogBench();
    const { log } = bench.open();
    let appended = 0;
    let closed = 0;
    if (what === 'a write') log.append([madeBatch({ baseOffset: 0 }).bytes], () => appended++);
    bench.disk.failNext.fdatasync = 1;
    log.close(() => closed++);
    bench.scheduler.runUntilIdle();
    expect(bench.failures.map(({ code }) => code)).toEqual(['IO']);
    expect([appended, closed]).toEqual([0, 1]);
  });

  it('is read to its end by a reader whose segment is removed meanwhile', () => {
    const bench = new LogBench({ segmentBytes: 500 });
    const { log } = bench.open();
    for (const { bytes } of batches(0, 6)) log.append([bytes], () => undefined);
    bench.scheduler.runUntilIdle();
    let found = -1;
    log.read(0, 100, (answer) => {
      found = answer.ok ? answer.value.length : -1;
    });
    const offset = log.retainedFrom({ ...keepsAll, retentionBytes: 0, highWatermark: 6 });
    log.advanceStart({ offset, epochBefore: 0 }, () => undefined);
    bench.scheduler.runUntilIdle();
    expect(found).toBe(1);
    expect(log.startOffset).toBeGreaterThan(0);
  });
});
