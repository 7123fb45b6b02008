import { describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import type { Result } from '../../src/base/result.ts';
import type { FileError, FileHandle, FileOperation, FileResults, Files } from '../../src/ports/files.ts';
import { SimulatedDisk } from '../../src/testing/world/files.ts';
import { Scheduler } from '../../src/testing/world/scheduler.ts';

type Bench = { readonly scheduler: Scheduler; readonly disk: SimulatedDisk; files: Files };

function bench(seed: number, capacityBytes?: number): Bench {
  const scheduler = new Scheduler();
  const options = capacityBytes === undefined ? {} : { capacityBytes };
  const disk = new SimulatedDisk({ seed, directories: ['/data'], ...options });
  const schedule = (delayUs: number, run: () => void): void => void scheduler.schedule(delayUs, run);
  return { scheduler, disk, files: disk.attach(schedule) };
}

function reattach(world: Bench): void {
  world.files = world.disk.attach((delayUs, run) => void world.scheduler.schedule(delayUs, run));
}

function attempt<Kind extends FileOperation['kind']>(
  world: Bench,
  operation: Extract<FileOperation, { kind: Kind }>,
): Result<FileResults[Kind], FileError> {
  let answer: Result<FileResults[Kind], FileError> | null = null;
  world.files.submit<Kind>(operation, (result) => {
    answer = result;
  });
  expect(answer).toBeNull();
  world.scheduler.runUntilIdle();
  assert(answer !== null, 'an operation was never answered');
  return answer;
}

function must<Kind extends FileOperation['kind']>(
  world: Bench,
  operation: Extract<FileOperation, { kind: Kind }>,
): FileResults[Kind] {
  const result = attempt<Kind>(world, operation);
  assert(result.ok, `${operation.kind} failed`);
  return result.value;
}

function durableFile(world: Bench, path: string, bytes: Uint8Array): FileHandle {
  const handle = must<'open'>(world, { kind: 'open', path, mode: 'create' });
  must<'pwrite'>(world, { kind: 'pwrite', handle, position: 0, bytes });
  must<'fdatasync'>(world, { kind: 'fdatasync', handle });
  must<'syncDirectory'>(world, { kind: 'syncDirectory', path: '/data' });
  return handle;
}

function contentAfterCrash(world: Bench, path: string): Uint8Array | null {
  world.disk.losePower();
  return world.disk.bytes(path);
}

const seeds = Array.from({ length: 60 }, (_, seed) => seed);

describe('the simulated disk', () => {
  it('keeps what was flushed through every crash', () => {
    for (const seed of seeds) {
      const world = bench(seed);
      durableFile(world, '/data/log', new Uint8Array(2000).fill(7));
      const bytes = contentAfterCrash(world, '/data/log');
      expect(bytes).toEqual(new Uint8Array(2000).fill(7));
    }
  });

  it('loses, keeps or tears an unflushed write by whole sectors', () => {
    const outcomes = new Set<string>();
    for (const seed of seeds) {
      const world = bench(seed);
      const handle = durableFile(world, '/data/log', new Uint8Array(2048).fill(1));
      must<'pwrite'>(world, { kind: 'pwrite', handle, position: 0, bytes: new Uint8Array(2048).fill(2) });
      const bytes = contentAfterCrash(world, '/data/log');
      assert(bytes !== null, 'the file is gone');
      const sectors = [0, 512, 1024, 1536].map((from) => new Set(bytes.subarray(from, from + 512)));
      for (const sector of sectors) expect(sector.size).toBe(1);
      outcomes.add(sectors.map((sector) => [...sector].join('')).join(''));
    }
    expect(outcomes).toContain('1111');
    expect(outcomes).toContain('2222');
    expect(outcomes.size).toBeGreaterThan(4);
  });

  it('does not count a write toward a flush that was submitted before the write completed', () => {
    let lost = 0;
    for (const seed of seeds) {
      const world = bench(seed);
      const handle = durableFile(world, '/data/log', new Uint8Array(512).fill(1));
      const done = (): void => undefined;
      world.files.submit<'pwrite'>(
        { kind: 'pwrite', handle, position: 0, bytes: new Uint8Array(512).fill(2) },
        done,
      );
      world.files.submit<'fdatasync'>({ kind: 'fdatasync', handle }, done);
      world.scheduler.runUntilIdle();
      if (contentAfterCrash(world, '/data/log')?.[0] === 1) lost++;
    }
    expect(lost).toBeGreaterThan(5);
  });

  it('makes the version durable that stood when the flush was submitted, whatever is written later', () => {
    for (const seed of seeds) {
      const world = bench(seed);
      const handle = durableFile(world, '/data/log', new Uint8Array(512).fill(1));
      const done = (): void => undefined;
      must<'pwrite'>(world, { kind: 'pwrite', handle, position: 0, bytes: new Uint8Array(512).fill(2) });
      world.files.submit<'fdatasync'>({ kind: 'fdatasync', handle }, done);
      const later = { kind: 'pwrite', handle, position: 0, bytes: new Uint8Array(512).fill(3) } as const;
      world.files.submit<'pwrite'>(later, done);
      world.scheduler.runUntilIdle();
      expect([2, 3]).toContain(contentAfterCrash(world, '/data/log')?.[0]);
    }
  });

  it('may forget a new name, a rename or a removal until the folder was flushed', () => {
    const seen = new Set<string>();
    for (const seed of seeds) {
      const world = bench(seed);
      durableFile(world, '/data/old', new Uint8Array([1]));
      must<'rename'>(world, { kind: 'rename', from: '/data/old', to: '/data/new' });
      must<'open'>(world, { kind: 'open', path: '/data/fresh', mode: 'createNew' });
      world.disk.losePower();
      reattach(world);
      seen.add(must<'list'>(world, { kind: 'list', path: '/data' }).join(' '));
    }
    expect([...seen].toSorted()).toEqual(['fresh new', 'fresh old', 'new', 'old']);
  });

  it('keeps a name once its folder was flushed', () => {
    for (const seed of seeds) {
      const world = bench(seed);
      durableFile(world, '/data/old', new Uint8Array([1]));
      must<'rename'>(world, { kind: 'rename', from: '/data/old', to: '/data/new' });
      must<'syncDirectory'>(world, { kind: 'syncDirectory', path: '/data' });
      expect(contentAfterCrash(world, '/data/new')).toEqual(new Uint8Array([1]));
      expect(world.disk.bytes('/data/old')).toBeNull();
    }
  });

  it('keeps unflushed bytes when only the process dies', () => {
    const world = bench(1);
    const handle = durableFile(world, '/data/log', new Uint8Array([1]));
    must<'pwrite'>(world, { kind: 'pwrite', handle, position: 0, bytes: new Uint8Array([2]) });
    world.disk.killProcess();
    expect(world.disk.bytes('/data/log')).toEqual(new Uint8Array([2]));
    expect(world.disk.durableBytes('/data/log')).toEqual(new Uint8Array([1]));
  });

  it('answers nobody whose process has ended', () => {
    const world = bench(1);
    let answered = false;
    world.files.submit<'list'>({ kind: 'list', path: '/data' }, () => {
      answered = true;
    });
    world.disk.killProcess();
    world.scheduler.runUntilIdle();
    expect(answered).toBe(false);
  });

  it('drops what a failed flush covered, and no later flush brings it back', () => {
    let lost = 0;
    for (const seed of seeds) {
      const world = bench(seed);
      const handle = durableFile(world, '/data/log', new Uint8Array(512).fill(1));
      must<'pwrite'>(world, { kind: 'pwrite', handle, position: 0, bytes: new Uint8Array(512).fill(2) });
      world.disk.failNext.fdatasync = 1;
      expect(attempt<'fdatasync'>(world, { kind: 'fdatasync', handle }).ok).toBe(false);
      expect(attempt<'fdatasync'>(world, { kind: 'fdatasync', handle }).ok).toBe(true);
      if (contentAfterCrash(world, '/data/log')?.[0] === 1) lost++;
    }
    expect(lost).toBeGreaterThan(5);
  });

  it('fails several operations one after the other, after some that succeed', () => {
    const world = bench(1);
    const handle = durableFile(world, '/data/log', new Uint8Array(512));
    world.disk.failNext.fdatasync = 2;
    world.disk.spareNext.fdatasync = 1;
    const flushes = [1, 2, 3, 4].map(() => attempt<'fdatasync'>(world, { kind: 'fdatasync', handle }).ok);
    expect(flushes).toEqual([true, false, false, true]);
  });

  it('refuses to grow beyond its capacity and lets existing bytes be written over', () => {
    const world = bench(1, 1024);
    const handle = durableFile(world, '/data/log', new Uint8Array(1024));
    const bytes = new Uint8Array(512).fill(1);
    expect(attempt<'pwrite'>(world, { kind: 'pwrite', handle, position: 1024, bytes })).toMatchObject({
      ok: false,
      error: { code: 'NO_SPACE' },
    });
    expect(attempt<'pwrite'>(world, { kind: 'pwrite', handle, position: 0, bytes }).ok).toBe(true);
    expect(must<'freeSpace'>(world, { kind: 'freeSpace', path: '/data' })).toBe(0);
  });

  it('does the same again for the same seed', () => {
    const run = (): string => {
      const world = bench(42);
      const handle = durableFile(world, '/data/log', new Uint8Array(4096).fill(1));
      must<'pwrite'>(world, { kind: 'pwrite', handle, position: 0, bytes: new Uint8Array(4096).fill(2) });
      return `${world.scheduler.nowUs} ${contentAfterCrash(world, '/data/log')?.join('')}`;
    };
    expect(run()).toBe(run());
  });
});
