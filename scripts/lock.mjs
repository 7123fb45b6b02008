// One process at a time prepares this checkout. The lock is a file that names its holder and the process that
// works for it; when neither lives any longer, the lock is taken over.

import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processIdentity } from './descendants.mjs';

const pollMs = 200;
// A lock file is written within microseconds of being made: one that is still empty after this long has
// lost its writer.
const emptyLockIsStaleAfterMs = 5_000;

function describeProcess(pid) {
  return { pid, identity: processIdentity(pid) };
}

/** Makes `path` with this process as its holder; false when it exists. */
function create(path) {
  let file;
  try {
    file = openSync(path, 'wx');
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
  writeSync(file, JSON.stringify([describeProcess(process.pid)]));
  closeSync(file);
  return true;
}

/**
 * The pid that holds `path`, or 0 while it is being written; undefined when nobody holds it any more, and
 * 'stale' when those that it names have died.
 */
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
  let holders;
  try {
    holders = JSON.parse(text);
  } catch {
    return ageMs > emptyLockIsStaleAfterMs ? 'stale' : 0;
  }
  return holders.find(isAlive)?.pid ?? 'stale';
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
 * Waits until this process holds the lock at `path`. `onWait` is called once, with the holder's pid, when there
 * is somebody to wait for.
 */
export async function acquireLock(path, onWait) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!create(path)) {
    const holder = holderOf(path);
    if (holder === 'stale') {
      removeStale(path);
    } else if (holder !== undefined) {
      if (!told && holder !== 0) {
        told = true;
        onWait(holder);
      }
      await sleep(pollMs);
    }
  }
  return {
    release: () => rmSync(path, { force: true }),
    /** Has the lock outlive this process until `pid` has ended too: it may go on after we were killed. */
    shareWith: (pid) => {
      const next = `${path}.next`;
      writeFileSync(next, JSON.stringify([process.pid, pid].map(describeProcess)));
      renameSync(next, path);
    },
  };
}
