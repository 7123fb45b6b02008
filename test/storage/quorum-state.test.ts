import { deepEqual } from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { epoch, nodeId, uuid } from '../../src/base/brands.ts';
import type { Result } from '../../src/base/result.ts';
import { encodeQuorumState } from '../../src/codec/quorum-state.ts';
import type { QuorumState } from '../../src/raft/quorum-state.ts';
import { type OpenedQuorumState, openQuorumState } from '../../src/runtime/quorum-state/open-quorum-state.ts';
import type { StoredFileError } from '../../src/runtime/quorum-state/stored-file.ts';
import { SimulatedDisk } from '../../src/testing/world/files.ts';
import { Scheduler } from '../../src/testing/world/scheduler.ts';

const paths = ['/data/quorum-state-a', '/data/quorum-state-b'] as const;
const directoryId = uuid('AAAAAAAAAAAAAAAAAAAAAQ');

function stateAt(at: number, recovering = false): QuorumState {
  return { epoch: epoch(at), leaderId: null, voted: { id: nodeId(at % 5), directoryId }, recovering };
}

class Bench {
  readonly scheduler = new Scheduler();
  readonly disk: SimulatedDisk;
  persisted: number[] = [];
  failures: string[] = [];

  constructor(seed = 1, disk = new SimulatedDisk({ seed, directories: ['/data'] })) {
    this.disk = disk;
  }

  open(): Result<OpenedQuorumState, StoredFileError> {
    const files = this.disk.attach((delayUs, run) => void this.scheduler.schedule(delayUs, run));
    const events = {
      onPersisted: (ioId: number) => void this.persisted.push(ioId),
      onFailed: (error: { readonly message: string }) => void this.failures.push(error.message),
    };
    let answer: Result<OpenedQuorumState, StoredFileError> | null = null;
    openQuorumState({ files, directory: '/data', events }, (result) => {
      answer = result;
    });
    this.scheduler.runUntilIdle();
    assert(answer !== null, 'opening answers');
    return answer;
  }

  openSound(): OpenedQuorumState {
    const opened = this.open();
    assert(opened.ok, `the files open: ${JSON.stringify(opened)}`);
    return opened.value;
  }

  /** A bench whose disk holds only what is durable now. */
  afterWorstCrash(): Bench {
    return new Bench(1, this.disk.durableCopy());
  }
}

/** Both files hold the state of epoch 7, flushed. */
function filled(): Bench {
  const bench = new Bench();
  const { store } = bench.openSound();
  for (const at of [3, 5, 7]) {
    store.persist(at, stateAt(at));
    bench.scheduler.runUntilIdle();
  }
  expect(bench.persisted).toEqual([3, 5, 7]);
  return bench;
}

describe('the quorum state on disk', () => {
  it('is never written with an epoch that its field cannot hold', () => {
    const state = { ...stateAt(3), epoch: (2 ** 31) as never };
    expect(() => encodeQuorumState({ sequence: 1, state })).toThrow(/epoch/);
  });

  it('is in both files, flushed, when its completion comes', () => {
    const bench = new Bench();
    const { store, state } = bench.openSound();
    expect(state).toBeNull();
    store.persist(1, stateAt(1));
    while (bench.persisted.length === 0) {
      const event = bench.scheduler.next(Number.MAX_SAFE_INTEGER);
      assert(event !== null, 'a completion comes');
      event.run?.();
    }
    const expected = encodeQuorumState({ sequence: 1, state: stateAt(1) });
    for (const path of paths) expect(bench.disk.durableBytes(path)).toEqual(expected);
  });

  it('never forgets a state whose completion was given, whatever the crash', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 14 })), {
          minLength: 1,
          maxLength: 25,
          size: 'max',
        }),
        (seed, rounds) => {
          const bench = new Bench(seed);
          let { store } = bench.openSound();
          let at = 0;
          let answered = 0;
          for (const [kind, steps] of rounds) {
            store.persist(++at, stateAt(at));
            for (let step = 0; step < steps; step++) bench.scheduler.next(Number.MAX_SAFE_INTEGER)?.run?.();
            answered = Math.max(answered, ...bench.persisted);
            const worst = bench.afterWorstCrash().openSound();
            expect(worst.state?.epoch ?? 0).toBeGreaterThanOrEqual(answered);
            if (kind > 4) continue;
            if (kind > 2) bench.disk.losePower();
            else bench.disk.killProcess();
            const opened = bench.openSound();
            expect(opened.damage).toEqual([]);
            const found = opened.state?.epoch ?? 0;
            expect(found).toBeGreaterThanOrEqual(answered);
            expect(found).toBeLessThanOrEqual(at);
            // What it starts from is durable in both files, not in the cache alone.
            const visible = paths.map((path) => (opened.state === null ? null : bench.disk.bytes(path)));
            const durable = paths.map((path) =>
              opened.state === null ? null : bench.disk.durableBytes(path),
            );
            expect(durable).toEqual(visible);
            answered = found;
            at = found;
            store = opened.store;
            bench.persisted = [];
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('survives any change of any byte, or any cut, of one file, and keeps the damaged one', () => {
    const damages = {
      flip: (bench: Bench, path: string, position: number) => bench.disk.corrupt(path, position, 0x11),
      cut: (bench: Bench, path: string, position: number) => bench.disk.cut(path, position),
    };
    for (const path of paths) {
      for (let position = 0; position < 512; position++) survives(damages.flip, path, position);
      for (let length = 0; length < 512; length++) survives(damages.cut, path, length);
    }
    expect(filled().openSound().damage).toEqual([]);
  });

  it('takes the newer of two valid files and brings the other up to it', () => {
    const bench = filled();
    bench.disk.cut(paths[0], 0);
    const older = encodeQuorumState({ sequence: 2, state: stateAt(5) });
    overwrite(bench, paths[0], older);
    expect(bench.openSound().state).toEqual(stateAt(7));
    for (const path of paths)
      expect(bench.disk.durableBytes(path)).toEqual(encodeQuorumState({ sequence: 3, state: stateAt(7) }));
  });

  it('writes nothing while no file is valid, and says so', () => {
    const bench = filled();
    for (const path of paths) bench.disk.corrupt(path, 20, 0xff);
    const before = paths.map((path) => bench.disk.bytes(path));
    const opened = bench.openSound();
    expect(opened.state).toBeNull();
    expect(opened.damage.map((found) => found.file)).toEqual(paths);
    expect(paths.map((path) => bench.disk.bytes(path))).toEqual(before);
    opened.store.persist(1, { epoch: epoch(0), leaderId: null, voted: null, recovering: false });
    bench.scheduler.runUntilIdle();
    expect(bench.openSound().state?.epoch).toBe(0);
    expect(bench.disk.bytes(`${paths[0]}.corrupt-1`)).toEqual(before[0]);
  });

  it('refuses by name what a newer Ottla wrote, even beside a valid older file', () => {
    const bench = filled();
    overwrite(bench, paths[1], withVersion(encodeQuorumState({ sequence: 9, state: stateAt(9) }), 2));
    const opened = bench.open();
    expect(opened).toMatchObject({ ok: false, error: { code: 'UNSUPPORTED_VERSION', file: paths[1] } });
  });

  it('completes nothing after a failed flush and never tries it again', () => {
    const bench = new Bench();
    const { store } = bench.openSound();
    store.persist(1, stateAt(1));
    bench.scheduler.runUntilIdle();
    bench.disk.failNext.fdatasync = 1;
    store.persist(2, stateAt(2));
    store.persist(3, stateAt(3));
    bench.scheduler.runUntilIdle();
    const { flushes } = bench.disk.counts;
    store.persist(4, stateAt(4));
    bench.scheduler.runUntilIdle();
    expect(bench.persisted).toEqual([1]);
    expect(bench.failures).toHaveLength(1);
    expect(bench.disk.counts.flushes).toBe(flushes);
  });

  it('crashes on a second vote in an epoch and on an epoch that goes back', () => {
    const { store } = filled().openSound();
    expect(() => store.persist(1, stateAt(6))).toThrow(/goes back/);
    const other = { id: nodeId(1), directoryId };
    expect(() => store.persist(1, { ...stateAt(7), voted: other })).toThrow(/second vote/);
    expect(() => store.persist(1, { ...stateAt(7), voted: null })).toThrow(/second vote/);
  });
});

/** One file is damaged: the other one counts, the damaged one is kept, and both are whole again. */
function survives(
  damage: (bench: Bench, path: string, position: number) => boolean,
  path: string,
  position: number,
): void {
  const bench = filled().afterWorstCrash();
  assert(damage(bench, path, position), 'the damage is done');
  const opened = bench.openSound();
  const found = opened.damage.map((damaged) => damaged.file);
  deepEqual([found, opened.state], [[path], stateAt(7)], `damage at ${position}`);
  assert(bench.disk.bytes(`${path}.corrupt-1`) !== null, 'the damaged file is kept');
  deepEqual(bench.openSound().damage, []);
}

function overwrite(bench: Bench, path: string, bytes: Uint8Array): void {
  const files = bench.disk.attach((delayUs, run) => void bench.scheduler.schedule(delayUs, run));
  files.submit({ kind: 'open', path, mode: 'create' }, (opened) => {
    assert(opened.ok, 'the file opens');
    files.submit({ kind: 'pwrite', handle: opened.value, position: 0, bytes }, () => {});
  });
  bench.scheduler.runUntilIdle();
}

/** The same copy under another format version, with its CRC made right. */
function withVersion(bytes: Uint8Array, version: number): Uint8Array {
  const changed = Buffer.from(bytes);
  changed.writeUInt16BE(version, 4);
  changed.writeUInt32BE(crc32(changed.subarray(0, 44)), 44);
  return changed;
}
