import { describe, expect, it } from 'vitest';
import { assertDefined } from '../../src/base/assert.ts';
import { epoch, offset } from '../../src/base/brands.ts';
import type { FileOperation, Files } from '../../src/ports/files.ts';
import type { RaftLog } from '../../src/runtime/log/raft-log.ts';
import { SimulatedDisk } from '../../src/testing/world/files.ts';
import { BatchMaker, LogBench } from './log-bench.ts';

const segmentBytes = 16 * 512;

type Kind = FileOperation['kind'];

/** Files of which one operation fails, and what was asked of them. */
class FailingFiles implements Files {
  readonly #files: Files;
  readonly #failsAt: number;
  /** What was submitted so far, in order. */
  readonly submitted: Kind[] = [];

  constructor(files: Files, failsAt: number) {
    this.#files = files;
    this.#failsAt = failsAt;
  }

  readonly submit: Files['submit'] = (operation, complete) => {
    this.submitted.push(operation.kind);
    if (this.submitted.length - 1 !== this.#failsAt) {
      this.#files.submit(operation, complete);
      return;
    }
    // A harmless operation in its place, so that the answer comes later, as from every disk.
    this.#files.submit({ kind: 'list', path: '/data' }, () =>
      complete({ ok: false, error: { code: 'IO', path: '/data/log', message: 'the disk is broken' } }),
    );
  };

  /** The kind of the operation that failed; null when there were not so many. */
  get failed(): Kind | null {
    return this.submitted[this.#failsAt] ?? null;
  }
}

/** What changes the disk. A start that fails does none of this afterwards. */
const changes: ReadonlySet<Kind> = new Set(['pwrite', 'pwriteDurably', 'fdatasync', 'rename', 'truncate']);

/** Segments with a cut in them. */
function filledDisk(): SimulatedDisk {
  const bench = new LogBench({ segmentBytes });
  const { log } = bench.openSound();
  const maker = new BatchMaker();
  for (let at = 1; at <= 30; at++) log.append(at, [maker.data(1, 700, at)]);
  bench.scheduler.runUntilIdle();
  log.truncate(31, offset(28));
  bench.scheduler.runUntilIdle();
  return bench.disk.durableCopy();
}

function segmentPaths(disk: SimulatedDisk): readonly string[] {
  return disk.paths().filter((path) => path.endsWith('.log'));
}

const filled = filledDisk();

function rottenDisk(position: number): SimulatedDisk {
  const disk = filled.durableCopy();
  disk.corrupt(assertDefined(segmentPaths(disk)[1], 'there is a second segment'), position, 1);
  return disk;
}

const disks: Readonly<Record<string, () => SimulatedDisk>> = {
  'an empty directory': () => new SimulatedDisk({ seed: 1, directories: ['/data'] }),
  'a sound log': () => filled.durableCopy(),
  'a log with a rotten frame': () => rottenDisk(1_500),
  'a log with a rotten segment header': () => rottenDisk(3),
};

describe('opening', () => {
  it.each(Object.entries(disks))(
    '%s fails with whatever operation fails, and changes nothing after it',
    (_, disk) => {
      let isDone = false;
      for (let failsAt = 0; !isDone; failsAt++) {
        const bench = new LogBench({ disk: disk(), segmentBytes });
        const files = new FailingFiles(bench.attach(), failsAt);
        // The log's own preparations may begin within the same turn, so that what happens is noted at once.
        let isOpen = false;
        const errors: string[] = [];
        bench.openLater({ files }, (opened) => {
          isOpen = opened.ok;
          isDone = opened.ok && files.failed === null;
          if (!opened.ok) errors.push(`${opened.error.code}: ${opened.error.message}`);
        });
        bench.scheduler.runUntilIdle();
        if (files.failed === 'close' || files.failed === null) continue;
        expect([failsAt, isOpen ? bench.failures.length : 1]).toEqual([failsAt, 1]);
        if (isOpen) continue;
        const later = files.submitted.slice(failsAt + 1).filter((kind) => changes.has(kind));
        expect([failsAt, later]).toEqual([failsAt, []]);
      }
    },
  );
});

describe('a running log', () => {
  /** Rolls, cuts, cleans and begins anew. */
  function work(log: RaftLog, bench: LogBench): void {
    const maker = new BatchMaker();
    for (let at = 1; at <= 30; at++) log.append(at, [maker.data(1, 700, at)]);
    bench.scheduler.runUntilIdle();
    log.truncate(31, offset(27));
    bench.scheduler.runUntilIdle();
    log.cleanTo({ endOffset: offset(20), epoch: epoch(1) });
    bench.scheduler.runUntilIdle();
    log.resetTo(32, { endOffset: offset(100), epoch: epoch(2) }, 7);
    bench.scheduler.runUntilIdle();
  }

  it('tells once of whatever operation fails, and completes nothing after it', () => {
    let isDone = false;
    let failures = 0;
    for (let failsAt = 0; !isDone; failsAt++) {
      const bench = new LogBench({ segmentBytes });
      const files = new FailingFiles(bench.attach(), failsAt);
      const completions = (): number => bench.flushed.length + bench.truncated.length;
      let completedBefore = -1;
      const onFailed = (error: { readonly message: string }): void => {
        bench.failures.push(error.message);
        completedBefore = completions();
      };
      let log: RaftLog | null = null;
      const events = { ...bench.options().events, onFailed };
      bench.openLater({ files, events }, (opened) => {
        if (opened.ok) log = opened.value.log;
      });
      bench.scheduler.runUntilIdle();
      if (log === null) continue;
      work(log, bench);
      isDone = files.failed === null;
      if (files.failed === 'close' || files.failed === null) continue;
      failures++;
      expect([failsAt, bench.failures]).toEqual([failsAt, ['IO: the disk is broken']]);
      expect([failsAt, completions()]).toEqual([failsAt, completedBefore]);
    }
    expect(failures).toBeGreaterThan(40);
  });
});
