import { access, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { assertDefined } from '../base/assert.ts';
import { failed, ok, type Result } from '../base/result.ts';
import { readAt, readLevelFile } from './level-file.ts';
import { LevelRecords, recordBlockBytes } from './level-records.ts';
import { VarintReader } from './varint-reader.ts';

/** A sorted table that a database rests on, by its number and by how long the MANIFEST says it is. */
export type LiveTable = { readonly number: number; readonly sizeBytes: number };

/** LevelDB's levels (db/dbformat.h), each with its tables' sizes by number. */
type Levels = readonly Map<number, number>[];
const levelCount = 7;

/** The fields of a version edit (db/version_edit.cc); each stands behind its tag. */
const editTags = {
  comparator: 1,
  logNumber: 2,
  nextFileNumber: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLogNumber: 9,
} as const;

const currentPattern = /^MANIFEST-\d+\n$/;
/** Longer than any name that CURRENT holds. */
const currentBytesMax = 64;

/**
 * The tables of the database in `location`, read from its files while nobody has it open: CURRENT names the
 * MANIFEST, which is a log of edits, each of which adds tables and deletes tables. An open database could be
 * asked, but what it answers is past at once, because it compacts. None for a database that is not made yet.
 * The error tells what is damaged.
 */
export async function readLiveTables(location: string): Promise<Result<readonly LiveTable[], string>> {
  const current = join(location, 'CURRENT');
  if (!(await exists(current))) return ok([]);
  const manifest = await readLevelFile(current, async (file) => {
    const name = (await readAt(file, 0, currentBytesMax)).toString('latin1');
    return currentPattern.test(name) ? ok(name.trimEnd()) : failed('it names no MANIFEST');
  });
  return manifest.ok ? await readLevelFile(join(location, manifest.value), readManifest) : manifest;
}

/** By `access`, as LevelDB looks for it before it makes a database. */
async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

async function readManifest(file: FileHandle): Promise<Result<readonly LiveTable[], string>> {
  const levels: Levels = Array.from({ length: levelCount }, () => new Map<number, number>());
  const records = new LevelRecords();
  for (let position = 0; ; position += recordBlockBytes) {
    const block = await readAt(file, position, recordBlockBytes);
    const found = records.ofBlock(block);
    if (!found.ok) return failed(`at byte ${position + found.error.at}: ${found.error.fault}`);
    for (const record of found.value)
      if (!applyEdit(levels, record)) return failed(`near byte ${position}: a malformed version edit`);
    if (block.length < recordBlockBytes) break;
  }
  return ok(
    levels.flatMap((level) => [...level].map(([number, sizeBytes]): LiveTable => ({ number, sizeBytes }))),
  );
}

/** False when the edit is malformed. What an edit deletes goes before what it adds, in whatever order they stand. */
function applyEdit(levels: Levels, record: Uint8Array): boolean {
  const reader = new VarintReader(record);
  const added: { readonly level: Map<number, number>; readonly table: LiveTable }[] = [];
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    switch (tag) {
      case editTags.comparator:
        if (!reader.skipString()) return false;
        break;
      case editTags.logNumber:
      case editTags.previousLogNumber:
      case editTags.nextFileNumber:
      case editTags.lastSequence:
        if (reader.varint() === null) return false;
        break;
      case editTags.compactPointer:
        if (readLevel(levels, reader) === null || !reader.skipString()) return false;
        break;
      case editTags.deletedFile: {
        const [level, number] = [readLevel(levels, reader), reader.varint()];
        if (level === null || number === null) return false;
        level.delete(number);
        break;
      }
      case editTags.newFile: {
        const [level, number, sizeBytes] = [readLevel(levels, reader), reader.varint(), reader.varint()];
        if (level === null || number === null || sizeBytes === null) return false;
        // The least and the greatest key.
        if (!reader.skipString() || !reader.skipString()) return false;
        added.push({ level, table: { number, sizeBytes } });
        break;
      }
      default:
        return false;
    }
  }
  for (const { level, table } of added) level.set(table.number, table.sizeBytes);
  return true;
}

function readLevel(levels: Levels, reader: VarintReader): Map<number, number> | null {
  const level = reader.varint();
  return level === null || level >= levels.length ? null : assertDefined(levels[level], 'a level there is');
}
