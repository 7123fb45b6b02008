import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { equal, ok as holds } from 'node:assert/strict';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assert, assertDefined } from '../../src/base/assert.ts';
import { epoch, offset, type Offset } from '../../src/base/brands.ts';
import { decodeBatch } from '../../src/codec/batch.ts';
import { LogContents } from '../../src/runtime/log/log-contents.ts';
import { Segment } from '../../src/runtime/log/segment.ts';
import { batchEndOffset, type LogBatch } from '../../src/raft/batch.ts';
import { type LogOpenError, openRaftLog, type OpenedLog } from '../../src/runtime/log/open-raft-log.ts';
import type { FileHandle, Files } from '../../src/ports/files.ts';
import { continuationGuard, frameGuard, sectorBytes } from '../../src/runtime/log/sectors.ts';
import type { RaftLog } from '../../src/runtime/log/raft-log.ts';
import { NodeFiles } from '../../src/storage/files.ts';
import type { Result } from '../../src/base/result.ts';
import type { SimulatedDisk } from '../../src/testing/world/files.ts';
import { BatchMaker, bytesOf, LogBench } from './log-bench.ts';

const segmentBytes = 8 * 512;
const sizes = [60, 700, 5, 1_200, 300, 40, 40, 900, 2_000, 10, 450, 33, 1_300];

/** What the log holds in the end, and what it held before it was cut in between. */
type Filled = { readonly kept: readonly LogBatch[]; readonly beforeCut: readonly LogBatch[] };

/** Several segments of acknowledged batches, one flush each, with a truncation in between. */
function fill(bench: LogBench): Filled {
  const { log } = bench.openSound();
  const maker = new BatchMaker();
  const kept: LogBatch[] = [];
  let beforeCut: readonly LogBatch[] = [];
  let ioId = 0;
  for (const [position, size] of sizes.entries()) {
    const batch = position === 3 ? maker.voters([1, 2, 3]) : maker.data(2, size, 1_000 + position);
    log.append(++ioId, [batch]);
    bench.scheduler.runUntilIdle();
    kept.push(batch);
    if (position !== 6) continue;
    beforeCut = [...kept];
    const cut = kept.splice(5);
    log.truncate(++ioId, (cut[0] as LogBatch).baseOffset);
    bench.scheduler.runUntilIdle();
    maker.end = log.endOffset;
    maker.chainCrc = log.chainCrcAt(log.endOffset) ?? 0;
    maker.epoch++;
  }
  expect(log.flushedOffset).toBe(log.endOffset);
  return { kept, beforeCut };
}

type Outcome = 'everything' | 'corruption' | 'refused';

/** What a start may do with a damaged file, and nothing else. */
function judge(
  opened: Result<OpenedLog, LogOpenError>,
  held: readonly LogBatch[],
  filled: Filled,
  damaged: { readonly file: string; readonly position: number },
): Outcome {
  const where = `${damaged.file} at ${damaged.position}`;
  if (!opened.ok) {
    equal(opened.error.code, 'UNSUPPORTED_VERSION', where);
    holds(opened.error.file.includes('segment-'), where);
    return 'refused';
  }
  const { recovery } = opened.value;
  equal(recovery.tornTail, null, `an acknowledged frame is never torn: ${where}`);
  if (recovery.corruption === null) {
    equal(held.length, filled.kept.length, `shorter without a word: ${where}`);
    holds(isPrefix(held, filled.kept), where);
    return 'everything';
  }
  // Cut before its truncation, the log is again what it was then; a recovering node's leader cuts it anew.
  holds(isPrefix(held, filled.kept) || isPrefix(held, filled.beforeCut), where);
  holds(recovery.corruption.file.endsWith(damaged.file), where);
  holds(recovery.corruption.position <= damaged.position, where);
  return 'corruption';
}

function isPrefix(held: readonly LogBatch[], whole: readonly LogBatch[]): boolean {
  const isSame = (batch: LogBatch, other: LogBatch | undefined): boolean =>
    other !== undefined && Buffer.compare(bytesOf(batch), bytesOf(other)) === 0;
  return held.every((batch, index) => isSame(batch, whole[index]));
}

describe('a damaged log on a simulated disk', () => {
  const made = new LogBench({ segmentBytes });
  const filled = fill(made);
  const files = made.disk.paths().filter((path) => path.endsWith('.log'));
  const copyOf = (): SimulatedDisk => made.disk.durableCopy();

  function open(disk: SimulatedDisk, damaged: { readonly file: string; readonly position: number }): Outcome {
    const bench = new LogBench({ disk, segmentBytes });
    const opened = bench.open();
    const held = opened.ok ? bench.readAll(opened.value.log, offset(0)) : [];
    const outcome = judge(opened, held, filled, damaged);
    if (outcome !== 'corruption' || damaged.position % 16 !== 0) return outcome;
    // The damaged file is kept, and after `proceed` the log goes on where it was cut.
    expect(disk.paths().some((path) => path.startsWith(`${damaged.file}.corrupt-`))).toBe(true);
    const again = bench.openSound();
    expect(again.recovery.corruption).toBeNull();
    expect(again.log.endOffset).toBe(
      offset(held.at(-1) === undefined ? 0 : batchEndOffset(held.at(-1) as LogBatch)),
    );
    return outcome;
  }

  it('spans several segments', () => {
    expect(files.length).toBeGreaterThanOrEqual(3);
  });

  // Every byte that may be of a header or a guard, and a sample of the others. (`DAMAGE=all` tries each.)
  it.each([
    { mask: 0x01, step: 9 },
    { mask: 0x80, step: 31 },
    { mask: 0x5a, step: 37 },
  ])('serves everything or names the place, whichever byte is changed by $mask', ({ mask, step }) => {
    const counts = { everything: 0, corruption: 0, refused: 0 };
    for (const file of files) {
      for (let position = 0; position < segmentBytes; position++) {
        const isStructural = mask === 1 && position % 512 < 46;
        if (!isStructural && position % step !== 0 && process.env['DAMAGE'] !== 'all') continue;
        const disk = copyOf();
        disk.corrupt(file, position, mask);
        counts[open(disk, { file, position })]++;
      }
    }
    // Bytes behind a header or a body are of no frame; all others are covered by a CRC or are guards.
    expect(counts.corruption).toBeGreaterThan(counts.everything);
    expect(counts.everything).toBeGreaterThan(0);
    expect(counts.refused).toBe(0);
  });

  it('names the place, at whatever length a file is cut', () => {
    for (const file of files) {
      for (let position = 0; position < segmentBytes; position += position % 512 < 60 ? 1 : 37) {
        const disk = copyOf();
        disk.cut(file, position);
        expect(open(disk, { file, position })).toBe('corruption');
      }
    }
  });

  it('names a segment that is missing between others', () => {
    const disk = copyOf();
    const bench = new LogBench({ disk, segmentBytes });
    const [, second] = files;
    assert(second !== undefined, 'there are several');
    bench.files.submit({ kind: 'rename', from: second, to: '/data/log/elsewhere' }, () => {});
    bench.scheduler.runUntilIdle();
    const { recovery } = bench.openSound();
    expect(recovery.corruption?.file).toBe(second);
  });

  it('finds the same corruption again until the node has proceeded', () => {
    const disk = copyOf();
    disk.corrupt(files[1] as string, 520, 0x10);
    const before = new Map(disk.paths().map((path) => [path, disk.bytes(path)]));
    const bench = new LogBench({ disk, segmentBytes });
    const seen: string[] = [];
    for (let round = 0; round < 3; round++) {
      openRaftLog(
        { ...bench.options(), files: bench.attach(), onCorruption: (found) => void seen.push(found.file) },
        () => expect.unreachable('the log must not open before the node proceeds'),
      );
      bench.scheduler.runUntilIdle();
    }
    expect(seen).toEqual([files[1], files[1], files[1]]);
    expect(new Map(disk.paths().map((path) => [path, disk.bytes(path)]))).toEqual(before);
  });

  it('calls a log that vanished corrupt on a node that had one, and new on one that had none', () => {
    const empty = new LogBench({ segmentBytes });
    const found = empty.openSound({ expectsLog: true });
    expect(found.recovery.corruption?.file).toBe('/data/log');
    const fresh = new LogBench({ segmentBytes });
    expect(fresh.openSound({ expectsLog: false }).recovery.corruption).toBeNull();
  });

  it('calls a frame with a sector of zeros torn only when nothing was written after it', () => {
    const last = files.at(-1) as string;
    const lastFrame = frameStarts(made.disk.bytes(last) as Uint8Array).at(-1) as number;
    let torn = 0;
    for (const file of files) {
      const bytes = made.disk.bytes(file) as Uint8Array;
      for (let sector = 512; sector < segmentBytes; sector += 512) {
        if (bytes[sector] === 0) continue;
        const disk = copyOf();
        for (let at = sector; at < sector + 512; at++) disk.corrupt(file, at, bytes[at] as number);
        const { recovery } = new LogBench({ disk, segmentBytes }).openSound();
        const start = frameStarts(bytes).findLast((at) => at <= sector);
        const place = { file, position: start };
        // In the last frame this is the residue that the design documents.
        const isResidue = file === last && sector >= lastFrame;
        if (isResidue) torn++;
        expect(recovery.tornTail).toEqual(isResidue ? place : null);
        // A frame of one sector that ends its segment is missed by the next segment, which says so.
        expect(recovery.corruption === null).toBe(isResidue);
      }
    }
    expect(torn).toBeGreaterThan(1);
  });
});

function frameStarts(bytes: Uint8Array): readonly number[] {
  const starts: number[] = [];
  for (let at = 512; at < bytes.length; at += 512) if (bytes[at] === 0xf1) starts.push(at);
  return starts;
}

describe('a damaged log in a real directory', () => {
  const root = mkdtempSync(join(tmpdir(), 'ottla-log-'));
  const sound = join(root, 'sound');
  let filled: Filled = { kept: [], beforeCut: [] };
  let files: readonly string[] = [];

  beforeAll(() => {
    const made = new LogBench({ segmentBytes });
    filled = fill(made);
    mkdirSync(sound);
    files = made.disk.paths().filter((path) => path.endsWith('.log'));
    for (const path of files) writeFileSync(join(sound, baseName(path)), made.disk.bytes(path) as Uint8Array);
    files = files.map(baseName);
  });

  afterAll(() => rmSync(root, { recursive: true, force: true }));

  async function open(
    damaged: { readonly file: string; readonly position: number },
    damage: (path: string) => void,
  ): Promise<Outcome> {
    const directory = join(root, 'damaged');
    cpSync(sound, directory, { recursive: true });
    damage(join(directory, damaged.file));
    const opened = await openReal(directory);
    const held = opened.ok ? await readReal(opened.value.log) : [];
    if (opened.ok) await new Promise<void>((resolve) => opened.value.log.close(resolve));
    const outcome = judge(opened, held, filled, damaged);
    const aside = readdirSync(directory).filter((name) => name.includes('.corrupt-'));
    expect(aside.length > 0).toBe(outcome === 'corruption');
    rmSync(directory, { recursive: true });
    return outcome;
  }

  it('serves everything or names the place, whichever structural byte is changed', async () => {
    const outcomes = new Set<Outcome>();
    for (const file of files) {
      const bytes = readFileSync(join(sound, file));
      const structural = [0, ...frameStarts(bytes)].flatMap((start) =>
        [0, 1, 5, 7, 12, 16, 24, 32, 36, 40, 44].map((at) => start + at),
      );
      const guards = [...Array(segmentBytes / 512).keys()].map((sector) => sector * 512);
      const sampled = [...Array(Math.floor(segmentBytes / 197)).keys()].map((step) => step * 197);
      for (const position of new Set([...structural, ...guards, ...sampled])) {
        const outcome = await open({ file, position }, (path) => {
          const changed = Buffer.from(bytes);
          changed[position] = (changed[position] as number) ^ 0x24;
          writeFileSync(path, changed);
        });
        if (structural.includes(position) && position % 512 < 37) outcomes.add(outcome);
      }
    }
    expect([...outcomes]).toEqual(['corruption']);
  });

  it('names the place, at whatever length a file is cut', async () => {
    for (const file of files) {
      for (let position = 0; position < segmentBytes; position += 256) {
        expect(await open({ file, position }, (path) => truncateSync(path, position))).toBe('corruption');
      }
    }
  });
});

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function openReal(directory: string): Promise<Result<OpenedLog, LogOpenError>> {
  const clock = new LogBench({}).clock;
  const events = { onFlushed: () => {}, onTruncated: () => {}, onFailed: () => {} };
  const onCorruption = (_found: unknown, proceed: () => void): void => proceed();
  const options = { files: new NodeFiles(), clock, directory, segmentBytes, cacheBytesMax: 1_000, events };
  return new Promise((resolve) => openRaftLog({ ...options, expectsLog: true, onCorruption }, resolve));
}

async function readReal(log: RaftLog): Promise<readonly LogBatch[]> {
  const all: LogBatch[] = [];
  let at: Offset = offset(0);
  while (at < log.endOffset) {
    const found = await new Promise<readonly LogBatch[]>((resolve) => {
      log.read(at, log.endOffset, 1_000_000, (result) => {
        assert(result.ok, 'a read succeeds');
        resolve(result.value);
      });
    });
    all.push(...found);
    at = batchEndOffset(found.at(-1) as LogBatch);
  }
  return all;
}

describe('the last frame with a sector that was never written', () => {
  /** More than is read at once. */
  const largeSegmentBytes = 8_192 * sectorBytes;
  const made = new LogBench({ segmentBytes: largeSegmentBytes });
  const { log } = made.openSound();
  const maker = new BatchMaker();
  for (const [at, bytes] of [100, 1_500].entries()) {
    log.append(at + 1, [maker.data(1, bytes, at + 1)]);
    made.scheduler.runUntilIdle();
  }
  const path = '/data/log/segment-0000000001.log';
  /** Behind the header and the first frame, each of one sector. */
  const lastFrame = 2 * sectorBytes;

  function withBlankSector(): SimulatedDisk {
    const disk = made.disk.durableCopy();
    const bytes = assertDefined(disk.bytes(path), 'there is a segment');
    for (let at = 0; at < sectorBytes; at++) {
      const position = lastFrame + sectorBytes + at;
      disk.corrupt(path, position, bytes[position] ?? 0);
    }
    return disk;
  }

  it('is torn, and is cut', () => {
    const { recovery } = new LogBench({
      disk: withBlankSector(),
      segmentBytes: largeSegmentBytes,
    }).openSound();
    expect(recovery).toMatchObject({ endOffset: 1, corruption: null, tornTail: { position: lastFrame } });
  });

  it('is corrupt where anything was written behind it, whatever it looks like', () => {
    for (const guard of [continuationGuard, frameGuard, 1]) {
      const disk = withBlankSector();
      disk.corrupt(path, 16 * sectorBytes, guard);
      const { recovery } = new LogBench({ disk, segmentBytes: largeSegmentBytes }).openSound();
      expect(recovery).toMatchObject({ tornTail: null, corruption: { position: lastFrame } });
    }
  });

  it('is not judged where what lies behind it cannot be read', () => {
    const reads = countReads(withBlankSector());
    for (let failsAt = 0; failsAt < reads; failsAt++) {
      const bench = new LogBench({ disk: withBlankSector(), segmentBytes: largeSegmentBytes });
      const files = bench.attach();
      let count = 0;
      const failing: Files = {
        submit: (operation, complete) => {
          if (operation.kind === 'pread' && count++ === failsAt) bench.disk.failNext.pread = 1;
          files.submit(operation, complete);
        },
      };
      const codes: string[] = [];
      bench.openLater({ files: failing }, (opened) => codes.push(opened.ok ? 'open' : opened.error.code));
      bench.scheduler.runUntilIdle();
      expect([failsAt, codes]).toEqual([failsAt, ['IO']]);
    }
  });

  function countReads(disk: SimulatedDisk): number {
    const bench = new LogBench({ disk, segmentBytes: largeSegmentBytes });
    const files = bench.attach();
    let count = 0;
    const counted: Files = {
      submit: (operation, complete) => {
        if (operation.kind === 'pread') count++;
        files.submit(operation, complete);
      },
    };
    bench.openLater({ files: counted }, () => {});
    bench.scheduler.runUntilIdle();
    return count;
  }
});

// Found by the simulator, seed 7100121 of trouble with disks: the header was written again behind the frame.
it('is corrupt where its last frame, as it is written again, lands upon the header of its segment', () => {
  const bench = new LogBench({});
  const { log } = bench.openSound();
  bench.disk.failNext.fdatasync = 1;
  log.append(1, [new BatchMaker().data(1, 100, 1)]);
  bench.scheduler.runUntilIdle();
  bench.disk.killProcess();
  const files = bench.attach();
  let landings = 0;
  const misdirecting: Files = {
    submit: (operation, complete) => {
      const isFrame =
        operation.kind === 'pwrite' && 'position' in operation && operation.position === sectorBytes;
      if (isFrame) bench.disk.misdirectNext = { choice: 0, onHappened: () => landings++ };
      files.submit(operation, complete);
    },
  };
  bench.openLater({ files: misdirecting }, ({ ok }) => expect(ok).toBe(true));
  bench.scheduler.runUntilIdle();
  expect(landings).toBe(1);
  bench.disk.losePower();
  expect(bench.openSound().recovery).toMatchObject({ tornTail: null, corruption: { position: 0 } });
});

it('has no batch that goes back in epochs, or is not the next one', () => {
  const contents = new LogContents();
  const beginning = { sequence: 1, baseOffset: offset(4), epoch: epoch(2), chainCrc: 9, beginsAnew: true };
  contents.addSegment(new Segment({ ...beginning, sizeBytes: segmentBytes }, 'segment', 1 as FileHandle));
  const objectionTo = (inEpoch: number, base = 4, chainCrc = 9): string | null => {
    const batch = new BatchMaker(offset(base), chainCrc, inEpoch).data(1, 10, 1);
    const decoded = decodeBatch(Buffer.from(bytesOf(batch)), 0);
    assert(decoded.ok, 'the batch is sound');
    return contents.objectionTo(decoded.value);
  };
  expect(objectionTo(2)).toBeNull();
  expect(objectionTo(3)).toBeNull();
  expect(objectionTo(1)).toBe('the batch at 4 goes back in epochs');
  expect(objectionTo(2, 5)).toBe('a batch at 5 leaves a gap');
  expect(objectionTo(2, 4, 8)).toBe('the batch at 4 breaks the chain');
});

it('is refused by name where one of its batches is of a later version', () => {
  const sound = new BatchMaker().data(1, 10, 1);
  const bytes = bytesOf(sound).slice();
  // The version stands behind the two bytes of magic.
  bytes[2] = 9;
  const bench = new LogBench({ segmentBytes });
  bench.openSound().log.append(1, [{ ...sound, body: { form: 'encoded', bytes } }]);
  bench.scheduler.runUntilIdle();
  const opened = new LogBench({ disk: bench.disk.durableCopy(), segmentBytes }).open();
  expect(opened).toMatchObject({ ok: false, error: { code: 'UNSUPPORTED_VERSION' } });
});

describe('the zeros over a torn frame', () => {
  const path = '/data/log/segment-0000000001.log';
  /** Behind the header and the first frame, each of one sector. */
  const torn = 2 * sectorBytes;

  /** Of the frame at `torn`, which has `sectors`, the second one was never written. */
  function tornDisk(maker: BatchMaker, sectors: number): SimulatedDisk {
    const bench = new LogBench({ segmentBytes: 16 * sectorBytes });
    const { log } = bench.openSound();
    for (const batch of [
      maker.data(1, 100, 1),
      new BatchMaker(maker.end, maker.chainCrc).data(1, sectors * 500, 2),
    ]) {
      log.append(batch.baseOffset, [batch]);
      bench.scheduler.runUntilIdle();
    }
    const disk = bench.disk.durableCopy();
    const bytes = assertDefined(disk.bytes(path), 'there is a segment');
    for (let at = torn + sectorBytes; at < torn + 2 * sectorBytes; at++)
      disk.corrupt(path, at, bytes[at] ?? 0);
    return disk;
  }

  it('are on disk before the log goes on, though a start before could not flush them', () => {
    for (let sectors = 4; sectors < 13; sectors++) {
      const maker = new BatchMaker();
      const bench = new LogBench({ disk: tornDisk(maker, sectors), segmentBytes: 16 * sectorBytes });
      bench.disk.failNext.fdatasync = 1;
      expect(bench.open().ok).toBe(false);
      // What the next process sees is the cache, which shows the zeros.
      const { log, recovery } = bench.openSound();
      expect(recovery).toMatchObject({ tornTail: null, endOffset: 1 });
      log.append(1, [maker.data(1, 16 * sectorBytes, 3)]);
      bench.scheduler.runUntilIdle();
      const afterPowerLoss = new LogBench({ disk: bench.disk.durableCopy() }).openSound();
      expect(afterPowerLoss.recovery).toMatchObject({ corruption: null, endOffset: 2 });
    }
  });
});
