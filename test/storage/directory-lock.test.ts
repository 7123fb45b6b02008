import { fork } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { acquireDirectoryLock, type DirectoryLock } from '../../src/storage/directory-lock.ts';

const root = mkdtempSync(join(tmpdir(), 'ottla-lock-'));
afterAll(() => rmSync(root, { recursive: true }));

async function acquire(directory: string): Promise<DirectoryLock> {
  const acquired = await acquireDirectoryLock(directory);
  assert(acquired.ok, `the lock is free: ${JSON.stringify(acquired)}`);
  return acquired.value;
}

describe('the lock of a data directory', () => {
  it('is held once, names its holder, and can be taken again after its release', async () => {
    const directory = join(root, 'once');
    const first = await acquire(directory);
    const second = await acquireDirectoryLock(directory);
    const message = expect.stringContaining(`by process ${process.pid} on `) as string;
    expect(second).toMatchObject({ ok: false, error: { code: 'LOCKED', message } });
    await first.release();
    const third = await acquire(directory);
    await third.release();
  });

  it('outlives neither the process that holds it nor its kill -9', async () => {
    const directory = join(root, 'killed');
    // A process of its own takes the lock by the same means and is killed with it.
    const script = join(root, 'hold.mjs');
    const level = import.meta.resolve('level');
    const lines = [
      `import { Level } from ${JSON.stringify(level)};`,
      `await new Level(${JSON.stringify(join(directory, 'lock'))}).open();`,
      `process.send('held');`,
      'setInterval(() => {}, 1000);',
    ];
    writeFileSync(script, lines.join('\n'));
    const holder = fork(script, { execArgv: [] });
    await new Promise((resolve) => holder.once('message', resolve));
    expect(await acquireDirectoryLock(directory)).toMatchObject({ ok: false, error: { code: 'LOCKED' } });
    const ended = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await ended;
    const taken = await acquire(directory);
    await taken.release();
  });

  it('is taken over a damaged lock database and over a stale note', async () => {
    const directory = join(root, 'damaged');
    const first = await acquire(directory);
    await first.release();
    expect(existsSync(join(directory, 'lock-holder.json'))).toBe(false);
    writeFileSync(join(directory, 'lock-holder.json'), 'not json');
    writeFileSync(join(directory, 'lock', 'CURRENT'), 'MANIFEST-999999\n');
    const second = await acquire(directory);
    await second.release();
    expect(existsSync(join(directory, 'lock-holder.json'))).toBe(false);
  });

  it('says why when the directory cannot be used', async () => {
    const file = join(root, 'a-file');
    writeFileSync(file, '');
    expect(await acquireDirectoryLock(file)).toMatchObject({ ok: false, error: { code: 'IO' } });
  });
});
