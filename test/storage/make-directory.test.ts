import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { acquireDirectoryLock } from '../../src/storage/directory-lock.ts';
import { makeDirectory } from '../../src/storage/make-directory.ts';

const root = mkdtempSync(join(tmpdir(), 'ottla-make-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('a directory', () => {
  it('is made with those above it, and found again', () => {
    const path = join(root, 'new', 'deep');
    expect(makeDirectory(path)).toEqual({ ok: true, value: null });
    expect(makeDirectory(path)).toEqual({ ok: true, value: null });
    expect(statSync(path).isDirectory()).toBe(true);
  });

  it.each(['', '/x', '/x/y'])('is refused by name where a file stands: file%s', async (below) => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    expect(makeDirectory(`${file}${below}`)).toEqual({
      ok: false,
      error: `${file} is a file, not a directory`,
    });
    expect(await acquireDirectoryLock(`${file}${below}`)).toEqual({
      ok: false,
      error: { code: 'IO', message: `${file} is a file, not a directory` },
    });
  });

  // Node's recursive mkdir tries such a path again for ever.
  it.skipIf(!existsSync('/proc/self'))('is refused with its path where no directory can be', async () => {
    const message = expect.stringContaining('the directory /proc/x cannot be made') as string;
    expect(await acquireDirectoryLock('/proc/x')).toEqual({ ok: false, error: { code: 'IO', message } });
    const lock = expect.stringContaining('/proc/lock cannot be made') as string;
    expect(await acquireDirectoryLock('/proc')).toEqual({ ok: false, error: { code: 'IO', message: lock } });
  });
});
