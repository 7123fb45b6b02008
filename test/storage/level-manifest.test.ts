import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterAll, describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { readLiveTables } from '../../src/storage/level-manifest.ts';

type Database = Level<Uint8Array, Uint8Array>;

const root = mkdtempSync(join(tmpdir(), 'ottla-manifest-'));
afterAll(() => rmSync(root, { recursive: true }));

async function opened(location: string): Promise<Database> {
  const options = { keyEncoding: 'view', valueEncoding: 'view', compression: false } as const;
  const database: Database = new Level<Uint8Array, Uint8Array>(location, options);
  await database.open();
  return database;
}

/** Numbers and sizes of an open database's tables, from its own mouth. */
function tablesToldBy(database: object): readonly string[] {
  assert('getProperty' in database && typeof database.getProperty === 'function', 'it tells properties');
  const told = String(database.getProperty('leveldb.sstables'));
  return [...told.matchAll(/^ (\d+:\d+)\[/gm)].map((match) => match[1] ?? '').toSorted();
}

async function tablesRead(location: string): Promise<readonly string[] | 'damaged'> {
  const read = await readLiveTables(location);
  if (!read.ok) return 'damaged';
  return read.value.map(({ number, sizeBytes }) => `${number}:${sizeBytes}`).toSorted();
}

/** So few tables of level 0 that nothing is compacted; each opening makes one of the log that it finds. */
async function writeTables(location: string, count: number, keyBytes: number): Promise<void> {
  for (let table = 0; table <= count; table++) {
    const database = await opened(location);
    // The last opening finds a log, and leaves none with content.
    if (table < count) {
      const key = new Uint8Array(keyBytes).fill(table);
      await database.batch([{ type: 'put', key, value: Uint8Array.of(table) }]);
    }
    await database.close();
  }
}

function manifestOf(location: string): string {
  const name = readdirSync(location).find((each) => each.startsWith('MANIFEST-'));
  assert(name !== undefined, 'a database has a MANIFEST');
  return join(location, name);
}

/** What is said of a copy of a database whose MANIFEST has such bytes, here and by LevelDB. */
async function verdictOn(location: string, manifest: Buffer): Promise<string> {
  const copy = join(root, 'judged-copy');
  cpSync(location, copy, { recursive: true });
  writeFileSync(manifestOf(copy), manifest);
  const read = await tablesRead(copy);
  const database = await opened(copy).catch(() => null);
  const told = database === null ? null : tablesToldBy(database);
  await database?.close();
  rmSync(copy, { recursive: true });
  if (told === null) return read === 'damaged' ? 'both refuse' : 'LevelDB alone refuses';
  return String(read) === String(told) ? 'both read it' : `they differ: ${String(read)} and ${String(told)}`;
}

describe('the MANIFEST of a database', () => {
  it('names no tables of a database that is not made yet', async () => {
    expect(await tablesRead(join(root, 'not made'))).toEqual([]);
  });

  it('names the tables that LevelDB names itself, whatever was compacted', async () => {
    const location = join(root, 'compacted');
    const database = await opened(location);
    assert('compactRange' in database && typeof database.compactRange === 'function', 'it compacts');
    const seen = new Set<number>();
    for (let round = 0; round < 12; round++) {
      const puts = Array.from({ length: 400 }, (_, at) => ({
        type: 'put' as const,
        key: Uint8Array.of((at * (round + 1)) & 255, at >> 8, at & 255),
        value: new Uint8Array(4_000).fill(round),
      }));
      await database.batch(puts);
      // In the last round of each three over a part of the keys, which moves tables and merges others.
      await database.compactRange(Uint8Array.of(0), Uint8Array.of(round % 3 === 2 ? 90 : 255));
      const told = tablesToldBy(database);
      expect(await tablesRead(location)).toEqual(told);
      seen.add(told.length);
    }
    expect(seen.size).toBeGreaterThan(2);
    const told = tablesToldBy(database);
    await database.close();
    expect(await tablesRead(location)).toEqual(told);
  });

  it('is read where a record is longer than a block', async () => {
    const location = join(root, 'long-records');
    await writeTables(location, 3, 20_000);
    const tables = await tablesRead(location);
    expect(readFileSync(manifestOf(location)).length).toBeGreaterThan(2 * 32_768);
    expect(tables).toHaveLength(3);
    const database = await opened(location);
    expect(tablesToldBy(database)).toEqual(tables);
    await database.close();
  });

  it('is judged as LevelDB judges it, byte by byte changed, cut, lengthened by zeros and by a torn record', async () => {
    const location = join(root, 'judged');
    await writeTables(location, 3, 10);
    expect(await tablesRead(location)).toHaveLength(3);
    const bytes = readFileSync(manifestOf(location));
    const verdicts = new Set<string>();
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ (at % 2 === 0 ? 1 : 128), at);
      const start = bytes.subarray(0, at);
      const longer = [Buffer.alloc(at), start].map((end) => Buffer.concat([bytes, end]));
      for (const damaged of [changed, start, ...longer]) verdicts.add(await verdictOn(location, damaged));
    }
    // What can be read and names no whole database is left to LevelDB, which refuses it.
    expect([...verdicts].toSorted()).toEqual(['LevelDB alone refuses', 'both read it', 'both refuse']);
  });

  it.each([
    { what: 'is empty', current: '' },
    { what: 'has no end of line', current: 'MANIFEST-000002' },
    { what: 'names another file', current: '000002.log\n' },
    { what: 'names a MANIFEST that is gone', current: 'MANIFEST-999999\n' },
  ])('is damaged where CURRENT $what', async ({ current }) => {
    const location = join(root, 'current');
    await writeTables(location, 1, 10);
    writeFileSync(join(location, 'CURRENT'), current);
    const read = await readLiveTables(location);
    expect(read).toMatchObject({ ok: false, error: expect.stringContaining(location) });
    rmSync(location, { recursive: true });
  });
});
