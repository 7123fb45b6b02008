import { equal, ok as holds } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOf, LogBench, madeBatch } from './log-bench.ts';

const directory = '/data/topic-0';

/** A log of `count` batches in several segments, all flushed, with one batch in each group. */
function written(bench: LogBench, count: number): readonly Uint8Array[] {
  const { log } = bench.open();
  const batches = Array.from({ length: count }, (_, at) =>
    madeBatch({ baseOffset: at, valueBytes: 300, fill: at }),
  );
  for (const { bytes } of batches) {
    log.append([bytes], () => undefined);
    bench.scheduler.runUntilIdle();
  }
  return batches.map(({ bytes }) => bytes);
}

function expectPrefix(
  bench: LogBench,
  log: Parameters<LogBench['readAll']>[0],
  all: readonly Uint8Array[],
): void {
  const found = bench.readAll(log);
  holds(found.length < all.length, 'something was cut off');
  for (const [at, bytes] of found.entries()) equal(Buffer.compare(bytes, all[at] ?? new Uint8Array(0)), 0);
}

describe('a partition’s log that was damaged', () => {
  it('says so for every bit that turns, and keeps what is before it', () => {
    let turned = 0;
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat({ max: 7 }), (file, position, bit) => {
        const bench = new LogBench({ segmentBytes: 1_500 });
        const all = written(bench, 10);
        const paths = bench.disk.paths();
        const path = paths[file % paths.length] ?? '';
        const bytes = bench.disk.bytes(path)?.length ?? 0;
        holds(bench.disk.corrupt(path, position % bytes, 1 << bit));
        const { log, recovery } = bench.open();
        equal(recovery.isClean, false);
        holds(recovery.damage?.includes(path), recovery.damage ?? 'nothing');
        expectPrefix(bench, log, all);
        turned++;
      }),
      { numRuns: 200 },
    );
    expect(turned).toBe(200);
  });

  it('says so at every start until its broker has taken note, and not after that', () => {
    const bench = new LogBench({ segmentBytes: 1_500 });
    written(bench, 10);
    bench.disk.corrupt(bench.disk.paths()[0] ?? '', 30, 1);
    expect(bench.open().recovery).toMatchObject({ isClean: false });
    bench.disk.losePower();
    const { log, recovery } = bench.open();
    expect(recovery).toMatchObject({ isClean: false, damage: null });
    log.forgetDamage(() => undefined);
    bench.scheduler.runUntilIdle();
    bench.disk.losePower();
    expect(bench.open().recovery).toMatchObject({ isClean: true, damage: null });
  });

  it('says so where a file between others is gone', () => {
    const bench = new LogBench({ segmentBytes: 1_500 });
    const all = written(bench, 10);
    const path = bench.disk.paths()[1] ?? '';
    bench.disk
      .attach((delayUs, run) => void bench.scheduler.schedule(delayUs, run))
      .submit({ kind: 'remove', path }, () => undefined);
    bench.scheduler.runUntilIdle();
    const { log, recovery } = bench.open();
    expect(recovery.isClean).toBe(false);
    expectPrefix(bench, log, all);
  });

  it('says so where what was flushed was cut short before the last group', () => {
    const bench = new LogBench({ segmentBytes: 10_000 });
    const all = written(bench, 6);
    const path = bench.disk.paths()[0] ?? '';
    const bytes = bench.disk.bytes(path) ?? new Uint8Array(0);
    // Zeros in the place of a whole batch, as if it had never been written, and sound ones behind it.
    for (let at = 500; at < 1_300; at++) {
      for (let bit = 0; bit < 8; bit++)
        if (((bytes[at] ?? 0) & (1 << bit)) !== 0) bench.disk.corrupt(path, at, 1 << bit);
    }
    const { log, recovery } = bench.open();
    expect(recovery.isClean).toBe(false);
    expectPrefix(bench, log, all);
  });

  it('cuts a torn tail without a word where each append is flushed, and says so where none is', () => {
    for (const flushes of [true, false]) {
      const bench = new LogBench({ segmentBytes: 10_000, flushes });
      const all = written(bench, 6);
      const path = bench.disk.paths()[0] ?? '';
      bench.disk.cut(path, (bench.disk.bytes(path)?.length ?? 0) - 10);
      const { log, recovery } = bench.open();
      expect(recovery.isClean).toBe(flushes);
      expect(recovery.damage).toContain('cut short');
      expect(log.endOffset).toBe(5);
      expectPrefix(bench, log, all);
    }
  });

  it('goes on behind what was cut off', () => {
    const bench = new LogBench({ segmentBytes: 1_500 });
    written(bench, 10);
    bench.disk.corrupt(bench.disk.paths()[1] ?? '', 100, 4);
    const { log } = bench.open();
    const from = log.endOffset;
    const again = madeBatch({ baseOffset: from, epoch: 3, fill: 99 });
    log.append([again.bytes], () => undefined);
    bench.scheduler.runUntilIdle();
    bench.disk.losePower();
    const { log: reopened, recovery } = bench.open();
    expect(recovery.epochs.at(-1)).toEqual({ epoch: 3, startOffset: from });
    expect(endOf(bench.readAll(reopened).at(-1))).toBe(from + 1);
  });

  it('answers a read of what has changed on the disk since with CORRUPT_MESSAGE', () => {
    const bench = new LogBench({ segmentBytes: 10_000 });
    const { log } = bench.open();
    for (let at = 0; at < 3; at++) log.append([madeBatch({ baseOffset: at }).bytes], () => undefined);
    bench.scheduler.runUntilIdle();
    bench.disk.corrupt(`${directory}/00000000000000000000.log`, 60, 8);
    const answer = bench.read(log, 0, 1_000);
    expect(answer.ok ? 'none' : answer.error.code).toBe('CORRUPT_MESSAGE');
  });
});
