import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { failed, ok, type Result } from '../base/result.ts';
import { levelErrorCodes, storeErrorOf } from './level-store.ts';
import { makeDirectory } from './make-directory.ts';

/** Held from `acquireDirectoryLock` to `release`, or to the end of the process, however it ends. */
export type DirectoryLock = { release(): Promise<void> };

export type DirectoryLockError = {
  /** `LOCKED`: another process, or this one a second time, uses the directory. */
  readonly code: 'LOCKED' | 'NO_SPACE' | 'IO';
  readonly message: string;
};

const lockFolder = 'lock';
const holderFile = 'lock-holder.json';

/**
 * One process per data directory. Node has no flock; LevelDB takes an operating-system lock on a database's
 * LOCK file, which `kill -9` releases and a copied or left-over file does not hold. So an empty database
 * stands in for the lock, and a text file beside it names the holder for people.
 */
export async function acquireDirectoryLock(
  directory: string,
): Promise<Result<DirectoryLock, DirectoryLockError>> {
  const location = join(directory, lockFolder);
  for (const path of [directory, location]) {
    const made = makeDirectory(path);
    if (!made.ok) return failed({ code: 'IO', message: made.error });
  }
  try {
    const database = await openLock(location);
    await writeFile(join(directory, holderFile), describeHolder());
    return ok({ release: () => releaseLock(directory, database) });
  } catch (error) {
    if (!levelErrorCodes(error).includes('LEVEL_LOCKED')) {
      const { code, message } = storeErrorOf(error);
      return failed({ code: code === 'NO_SPACE' ? code : 'IO', message: `${location}: ${message}` });
    }
    const holder = await readHolder(directory);
    return failed({ code: 'LOCKED', message: `the data directory ${directory} is in use${holder}` });
  }
}

async function openLock(location: string): Promise<Level> {
  const database = new Level(location);
  try {
    await database.open();
    return database;
  } catch (error) {
    if (levelErrorCodes(error).includes('LEVEL_LOCKED')) throw error;
    // It holds no data, so a damaged or half-written one is made anew; if another process holds it, opening says so.
    await rm(join(location, 'CURRENT'), { force: true });
    await database.open();
    return database;
  }
}

async function releaseLock(directory: string, database: Level): Promise<void> {
  await rm(join(directory, holderFile), { force: true });
  await database.close();
}

function describeHolder(): string {
  const holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  return `${JSON.stringify(holder)}\n`;
}

async function readHolder(directory: string): Promise<string> {
  const holder = await describeHolderOf(directory);
  return holder === null ? '' : ` by ${holder}`;
}

/**
 * The holder as its own note has it; null when there is no readable note. A process that was killed leaves its
 * note behind: the lock itself says whether it still runs.
 */
export async function describeHolderOf(directory: string): Promise<string | null> {
  try {
    const holder: unknown = JSON.parse(await readFile(join(directory, holderFile), 'utf8'));
    if (typeof holder !== 'object' || holder === null) return null;
    if (!('pid' in holder) || !('host' in holder) || !('since' in holder)) return null;
    return `process ${String(holder.pid)} on ${String(holder.host)} since ${String(holder.since)}`;
  } catch {
    return null;
  }
}
