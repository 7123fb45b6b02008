import { describe, expect, it } from 'vitest';
import { assert, assertDefined } from '../../src/base/assert.ts';
import { epoch, offset } from '../../src/base/brands.ts';
import { batchesPerReadMax } from '../../src/runtime/log/limits.ts';
import { batchEndOffset } from '../../src/raft/batch.ts';
import type { FileOperation, Files } from '../../src/ports/files.ts';
import type { RaftLog } from '../../src/runtime/log/raft-log.ts';
import { SimulatedDisk } from '../../src/testing/world/files.ts';
import { BatchMaker, LogBench } from './log-bench.ts';

const segmentBytes = 16 * 512;

/** Appends `count` batches of `bytes` bytes, each as a call of its own, and lets nothing happen in between. */
function appendEach(log: RaftLog, maker: BatchMaker, count: number, bytes = 100, firstIoId = 1): void {
  for (let at = 0; at < count; at++) log.append(firstIoId + at, [maker.data(1, bytes, firstIoId + at)]);
}

describe('the log', () => {
  it('flushes together what was appended while a flush was under way', () => {
    const bench = new LogBench({ segmentBytes: 64 * 512 });
    const { log } = bench.openSound();
    bench.scheduler.runUntilIdle();
    const before = bench.disk.counts.flushes;
    appendEach(log, new BatchMaker(), 20);
    expect(log.endOffset).toBe(20);
    expect(log.flushedOffset).toBe(0);
    bench.scheduler.runUntilIdle();
    expect(bench.flushed).toEqual([1, 20]);
    expect(bench.disk.counts.flushes - before).toBe(2);
  });

  it('encodes what its own node makes, and chains it', () => {
    const bench = new LogBench({ segmentBytes });
    const { log } = bench.openSound();
    const payload = Uint8Array.of(1, 2, 3);
    const made = {
      kind: 'data',
      epoch: epoch(1),
      recordCount: 2,
      appendTimestampMs: 5,
      sizeInBytes: 3,
    } as const;
    log.append(1, [{ ...made, baseOffset: offset(0), body: { form: 'payload', bytes: payload } }]);
    const follower = new LogBench({ segmentBytes }).openSound().log;
    const batches = bench.readAll(log, offset(0));
    follower.append(1, batches);
    expect(follower.chainCrcAt(follower.endOffset)).toBe(log.chainCrcAt(log.endOffset));
  });

  it('crashes on a batch that leaves a gap or breaks the chain, and on ids that do not grow', () => {
    const { log } = new LogBench({ segmentBytes }).openSound();
    const maker = new BatchMaker();
    appendEach(log, maker, 1);
    expect(() => log.append(2, [new BatchMaker(offset(5), maker.chainCrc).data(1, 9, 1)])).toThrow(
      /log ends at/,
    );
    expect(() => log.append(3, [new BatchMaker(offset(1), 77).data(1, 9, 1)])).toThrow(/breaks the chain/);
    expect(() => log.append(3, [maker.data(1, 9, 1)])).toThrow(/ids of log effects grow/);
    expect(() => log.truncate(9, offset(7))).toThrow(/log ends at/);
  });

  it('answers reads of what was cut or deleted by name', () => {
    const bench = new LogBench({ segmentBytes, cacheBytesMax: 500 });
    const { log } = bench.openSound();
    appendEach(log, new BatchMaker(), 60, 400);
    bench.scheduler.runUntilIdle();
    let answer = '';
    log.read(offset(2), offset(50), 10_000, (result) => {
      answer = result.ok ? 'read' : result.error.code;
    });
    log.truncate(100, offset(3));
    bench.scheduler.runUntilIdle();
    expect(answer).toBe('CANCELLED');
    expect(bench.read(log, offset(2), offset(3), 100).ok).toBe(true);
    expect(bench.read(log, offset(2), offset(9), 100)).toMatchObject({
      ok: false,
      error: { code: 'CANCELLED' },
    });
    const at = { endOffset: offset(500), epoch: epoch(4) };
    log.resetTo(101, at, 1234);
    bench.scheduler.runUntilIdle();
    expect(log.chainCrcAt(offset(500))).toBe(1234);
    expect(bench.read(log, offset(2), offset(3), 9)).toMatchObject({ error: { code: 'BELOW_LOG_START' } });
    const { recovery } = bench.openSound();
    expect(recovery).toMatchObject({ logStart: at, endOffset: 500, lastEpoch: 4, corruption: null });
  });

  it.each([1 << 30, 0])(
    'answers once, by name, a read where no batch begins, with %d bytes in memory',
    (cacheBytesMax) => {
      const bench = new LogBench({ segmentBytes, cacheBytesMax });
      const { log } = bench.openSound();
      const maker = new BatchMaker();
      log.append(1, [maker.data(3, 400, 1), maker.data(1, 400, 2)]);
      bench.scheduler.runUntilIdle();
      const answers: string[] = [];
      const read = (from: number, to: number): void =>
        log.read(offset(from), offset(to), 10_000, (result) =>
          answers.push(result.ok ? 'read' : result.error.code),
        );
      read(1, 4);
      // Nothing stands between a place and itself, nor beyond the end.
      read(3, 3);
      read(4, 5);
      bench.scheduler.runUntilIdle();
      expect(answers).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED']);
      log.append(2, [maker.data(3, 400, 3)]);
      bench.scheduler.runUntilIdle();
      // Within the last batch, within another, and beyond the end.
      expect([6, 1, 8].map((at) => log.chainCrcAt(offset(at)))).toEqual([null, null, null]);
      expect(log.chainCrcAt(offset(4))).not.toBeNull();
    },
  );

  it('deletes whole segments below a checkpoint and keeps the rest', () => {
    const bench = new LogBench({ segmentBytes });
    const { log } = bench.openSound();
    appendEach(log, new BatchMaker(), 60, 400);
    bench.scheduler.runUntilIdle();
    const before = log.bytesOnDisk;
    log.cleanTo({ endOffset: offset(40), epoch: epoch(1) });
    bench.scheduler.runUntilIdle();
    expect(log.bytesOnDisk).toBeLessThan(before);
    expect(bench.read(log, offset(0), offset(9), 9)).toMatchObject({ error: { code: 'BELOW_LOG_START' } });
    expect(bench.readAll(log, offset(40))).toHaveLength(20);
    const { recovery } = bench.openSound();
    expect(recovery.logStart.endOffset).toBeGreaterThan(0);
    expect(recovery.logStart.endOffset).toBeLessThanOrEqual(40);
  });

  it('keeps what a cut that is on its way needs, though a checkpoint covers what is to stand there', () => {
    const bench = new LogBench({ segmentBytes });
    const { log } = bench.openSound();
    appendEach(log, new BatchMaker(), 60, 400);
    bench.scheduler.runUntilIdle();
    const crc = log.chainCrcAt(offset(5));
    assert(crc !== null, 'a batch begins there');
    log.truncate(100, offset(5));
    // What the others have on disk is committed, and applied here, before this disk has cut and written anything.
    appendEach(log, new BatchMaker(offset(5), crc, 2), 50, 400, 101);
    log.cleanTo({ endOffset: offset(50), epoch: epoch(2) });
    bench.scheduler.runUntilIdle();
    expect(log.flushedOffset).toBe(55);
    expect(bench.readAll(log, offset(50))).toHaveLength(5);
    expect(bench.openSound().recovery).toMatchObject({ endOffset: 55, lastEpoch: 2, corruption: null });
  });

  it('reads no more batches at once than an answer may carry, from memory and from disk', () => {
    const count = batchesPerReadMax + 10;
    for (const cacheBytesMax of [1 << 30, 0]) {
      const bench = new LogBench({ segmentBytes: 4096 * 512, cacheBytesMax });
      const { log } = bench.openSound();
      const maker = new BatchMaker();
      log.append(
        1,
        Array.from({ length: count }, () => maker.data(1, 1, 1)),
      );
      bench.scheduler.runUntilIdle();
      const read = bench.read(log, offset(0), offset(count), 1 << 30);
      assert(read.ok, 'the log is read');
      expect(read.value).toHaveLength(batchesPerReadMax);
      expect(bench.readAll(log, offset(0))).toHaveLength(count);
    }
  });

  it.each([1 << 30, 0])(
    'reads no more bytes than were asked for, with %d bytes in memory',
    (cacheBytesMax) => {
      const bench = new LogBench({ segmentBytes: 64 * 512, cacheBytesMax });
      const { log } = bench.openSound();
      appendEach(log, new BatchMaker(), 20, 400);
      bench.scheduler.runUntilIdle();
      const one = bench.readAll(log, offset(0))[0]?.sizeInBytes ?? 0;
      for (const count of [1, 2, 5]) {
        const read = bench.read(log, offset(3), offset(20), count * one);
        expect(read.ok && read.value).toHaveLength(count);
      }
    },
  );

  it('reads on where the memory begins, so that a reader just before it catches up while others write', () => {
    const bench = new LogBench({ segmentBytes: 256 * 512, cacheBytesMax: 5_000 });
    const { log } = bench.openSound();
    const maker = new BatchMaker();
    appendEach(log, maker, 100, 100);
    bench.scheduler.runUntilIdle();
    let reads = 0;
    for (let at = 0; reads < 50; reads++) {
      const read = bench.read(log, offset(at), log.endOffset, 4_000);
      assert(read.ok, 'the log is read');
      at = batchEndOffset(assertDefined(read.value.at(-1), 'a read gives one batch at least'));
      if (at === log.endOffset) break;
      // One batch more for each read: much less than what it may carry.
      appendEach(log, maker, 1, 100, 1_000 + reads);
      bench.scheduler.runUntilIdle();
    }
    expect(reads).toBeLessThan(10);
  });

  it('keeps the file of a segment that it deletes for as long as it is read, and closes every file once', () => {
    const bench = new LogBench({ segmentBytes, cacheBytesMax: 0 });
    const files = bench.attach();
    const open = new Set<number>();
    const counted: Files = {
      submit: (operation, complete) => {
        const asked: FileOperation = operation;
        if (asked.kind === 'pread') assert(open.has(asked.handle), 'only an open file is read');
        if (asked.kind === 'close') assert(open.delete(asked.handle), 'a file is closed once');
        files.submit(operation, (result) => {
          if (operation.kind === 'open' && result.ok) open.add(result.value as number);
          complete(result);
        });
      },
    };
    const opened: RaftLog[] = [];
    bench.openLater({ files: counted }, (result) => {
      if (result.ok) opened.push(result.value.log);
    });
    bench.scheduler.runUntilIdle();
    const [log] = opened;
    assert(log !== undefined, 'the log opens');
    appendEach(log, new BatchMaker(), 40, 400);
    bench.scheduler.runUntilIdle();
    const answers: boolean[] = [];
    log.read(offset(0), offset(40), 10_000, (result) => answers.push(result.ok));
    log.cleanTo({ endOffset: offset(30), epoch: epoch(1) });
    bench.scheduler.runUntilIdle();
    log.read(offset(35), offset(40), 10_000, (result) => answers.push(result.ok));
    bench.scheduler.runUntilIdle();
    expect(answers).toEqual([true, true]);
    log.close(() => answers.push(true));
    bench.scheduler.runUntilIdle();
    expect(answers).toHaveLength(3);
    expect([...open]).toEqual([]);
  });

  it('tells of a batch on disk that is no longer what was written', () => {
    const bench = new LogBench({ segmentBytes, cacheBytesMax: 0 });
    const { log } = bench.openSound();
    appendEach(log, new BatchMaker(), 1, 400);
    bench.scheduler.runUntilIdle();
    bench.disk.corrupt('/data/log/segment-0000000001.log', 700, 1);
    expect(bench.read(log, offset(0), offset(1), 9)).toMatchObject({ ok: false, error: { code: 'CORRUPT' } });
  });

  it('waits on a full disk without losing or answering anything, and goes on by itself when there is room', () => {
    // Room for the first segment and the next one.
    const disk = new SimulatedDisk({
      seed: 3,
      directories: ['/data'],
      capacityBytes: 2 * segmentBytes + 100,
    });
    const bench = new LogBench({ disk, segmentBytes });
    const { log } = bench.openSound();
    const maker = new BatchMaker();
    appendEach(log, maker, 100, 400);
    for (let at = 0; at < 2_000; at++) bench.steps(1);
    const flushedSoFar = log.flushedOffset;
    // It asks once a second whether there is room, and no oftener for being asked to append.
    const { writes } = bench.disk.counts;
    for (let at = 0; at < 20; at++) {
      log.append(101 + at, [maker.data(1, 400, 101 + at)]);
      bench.runFor(100);
    }
    expect(bench.disk.counts.writes - writes).toBeLessThanOrEqual(3);
    expect(bench.failures).toEqual([]);
    expect(flushedSoFar).toBeGreaterThan(0);
    expect(flushedSoFar).toBeLessThan(100);
    disk.capacityBytes = 1_000_000;
    bench.scheduler.runUntilIdle();
    expect(log.flushedOffset).toBe(120);
    expect(bench.flushed.at(-1)).toBe(120);
    const { recovery } = bench.openSound();
    expect(recovery).toMatchObject({ endOffset: 120, corruption: null, tornTail: null });
  });

  it.each(['pwrite', 'fdatasync'] as const)(
    'stops at a failed %s: it is told once, and nothing completes after it',
    (operation) => {
      const bench = new LogBench({ segmentBytes: 64 * 512 });
      const { log } = bench.openSound();
      bench.scheduler.runUntilIdle();
      const maker = new BatchMaker();
      appendEach(log, maker, 3);
      bench.scheduler.runUntilIdle();
      bench.disk.failNext[operation] = 1;
      appendEach(log, maker, 3, 100, 10);
      bench.scheduler.runUntilIdle();
      const { flushes, writes } = bench.disk.counts;
      appendEach(log, maker, 3, 100, 20);
      log.truncate(30, offset(1));
      bench.scheduler.runUntilIdle();
      expect(bench.failures).toHaveLength(1);
      expect(bench.flushed).toEqual([1, 3]);
      expect(bench.truncated).toEqual([]);
      expect(log.flushedOffset).toBe(3);
      expect(bench.disk.counts).toMatchObject({ flushes, writes });
    },
  );

  it('finishes what was appended before it closes', () => {
    const bench = new LogBench({ segmentBytes });
    const { log } = bench.openSound();
    appendEach(log, new BatchMaker(), 30, 900);
    let closed = false;
    log.close(() => {
      closed = true;
    });
    bench.scheduler.runUntilIdle();
    expect(closed).toBe(true);
    expect(bench.flushed.at(-1)).toBe(30);
    const reopened = bench.openSound();
    expect(reopened.log.endOffset).toBe(30);
    assert(reopened.recovery.corruption === null, 'the log is sound');
  });

  it('takes a batch that is larger than a segment into a segment of its own', () => {
    const bench = new LogBench({ segmentBytes });
    const { log } = bench.openSound();
    appendEach(log, new BatchMaker(), 3, 40_000);
    bench.scheduler.runUntilIdle();
    expect(log.flushedOffset).toBe(3);
    expect(bench.readAll(bench.openSound().log, offset(0))).toHaveLength(3);
  });
});
