import { describe, expect, it } from 'vitest';
import type { FileHandle } from '../../src/ports/files.ts';
import { submitFile, type FileTask } from '../../src/ports/task.ts';
import { SimulatedDisk } from '../../src/testing/world/files.ts';
import { Scheduler } from '../../src/testing/world/scheduler.ts';

const kept = new Uint8Array([1, 2, 3]);
const lost = new Uint8Array([9, 9]);

/** Two files under durable names and one whose name is not, each with its second write unflushed. */
function* write(): FileTask<void> {
  for (const path of ['/data/one', '/data/two', '/data/unnamed']) {
    const opened = yield* submitFile({ kind: 'open', path, mode: 'create' });
    const handle = (opened.ok ? opened.value : 0) as FileHandle;
    yield* submitFile({ kind: 'pwrite', handle, position: 0, bytes: kept });
    yield* submitFile({ kind: 'fdatasync', handle });
    yield* submitFile({ kind: 'pwrite', handle, position: 1, bytes: lost });
    if (path !== '/data/unnamed') yield* submitFile({ kind: 'syncDirectory', path: '/data' });
  }
}

function* readAll(): FileTask<readonly (readonly [string, unknown])[]> {
  const found: (readonly [string, unknown])[] = [];
  const listed = yield* submitFile({ kind: 'list', path: '/data' });
  for (const name of listed.ok ? listed.value : []) {
    const opened = yield* submitFile({ kind: 'open', path: `/data/${name}`, mode: 'existing' });
    const handle = (opened.ok ? opened.value : 0) as FileHandle;
    const size = yield* submitFile({ kind: 'size', handle });
    const read = yield* submitFile({ kind: 'pread', handle, position: 1, length: 10 });
    found.push([name, size.ok && read.ok ? [size.value, ...read.value] : 'unreadable']);
  }
  return found;
}

function writtenDisk(): SimulatedDisk {
  const scheduler = new Scheduler();
  const disk = new SimulatedDisk({ seed: 1, directories: ['/data'] });
  const files = disk.attach((delayUs, run) => void scheduler.schedule(delayUs, run));
  const task = write();
  const drive = (next: ReturnType<typeof task.next>): void => {
    if (next.done !== true) files.submit(next.value, (result) => drive(task.next(result)));
  };
  drive(task.next());
  scheduler.runUntilIdle();
  return disk;
}

describe('reading what is durable', () => {
  it('finds flushed bytes under flushed names and nothing else', () => {
    expect(writtenDisk().readDurable(readAll())).toEqual([
      ['one', [3, 2, 3]],
      ['two', [3, 2, 3]],
    ]);
  });

  it('finds no folder whose own name was never flushed', () => {
    const disk = new SimulatedDisk({ seed: 1, directories: ['/data'] });
    disk.names.create('/data/log', 'directory');
    disk.names.create('/data/log/segment', 'directory');
    disk.names.settle(disk.names.pendingOf('/data/log'));
    const list = function* (): FileTask<boolean> {
      const listed = yield* submitFile({ kind: 'list', path: '/data/log' });
      return listed.ok;
    };
    expect(disk.readDurable(list())).toBe(false);
  });

  it('refuses a task that wants to write', () => {
    const remove = submitFile({ kind: 'remove', path: '/data/one' });
    expect(() => writtenDisk().readDurable(remove)).toThrow(/only read/);
  });
});
