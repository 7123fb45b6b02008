// One process at a time prepares this checkout. The lock is a file that names its holder; the lock of a
// holder that no longer lives is taken over.

import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processIdentity } from './descendants.mjs';

const pollMs = 200;
// A lock file is written within microseconds of being made: one that is still empty after this long has
// lost its writer.
const emptyLockIsStaleAfterMs = 5_000;

/** Makes `path` with this process as its holder; false when it exists. */
function create(path) {
  let file;
  try {
    file = openSync(path, 'wx');
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
  writeSync(file, JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid) }));
  closeSync(file);
  return true;
}

/** Who holds `path`: undefined when nobody does any more, and 'stale' when its holder has died. */
function holderOf(path) {
  let text;
  let ageMs;
  try {
    ageMs = Date.now() - statSync(path).mtimeMs;
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
  let holder;
  try {
    holder = JSON.parse(text);
  } catch {
    return ageMs > emptyLockIsStaleAfterMs ? 'stale' : { pid: undefined };
  }
  return isAlive(holder) ? holder : 'stale';
}

function isAlive({ pid, identity }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM means that it lives and belongs to another user.
    if (error.code !== 'EPERM') return false;
  }
  return identity === undefined || identity === processIdentity(pid);
}

/**
 * Removes the lock of a dead holder. A guard file keeps two that saw the same dead holder apart: without it
 * the slower one would remove the lock that the faster one has meanwhile taken.
 */
function removeStale(path) {
  const guard = `${path}.takeover`;
  if (!create(guard)) {
    if (holderOf(guard) === 'stale') rmSync(guard, { force: true });
    return;
  }
  try {
    if (holderOf(path) === 'stale') rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

/**
 * Waits until this process holds the lock at `path`, and returns the function that gives it back.
 * `onWait` is called once, with the holder's pid, when there is somebody to wait for.
 */
export async function acquireLock(path, onWait) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!create(path)) {
    const holder = holderOf(path);
    if (holder === 'stale') {
      removeStale(path);
    } else if (holder !== undefined) {
      if (!told && holder.pid !== undefined) {
        told = true;
        onWait(holder.pid);
      }
      await sleep(pollMs);
    }
  }
  return () => rmSync(path, { force: true });
}
