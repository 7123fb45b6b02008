import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import type { Result } from '../../src/base/result.ts';
import type { CheckpointStore, StoreEntry, StoreError } from '../../src/ports/checkpoint-store.ts';
import { LevelStore } from '../../src/storage/level-store.ts';
import { LevelStores } from '../../src/storage/level-stores.ts';
import { SimulatedStores } from '../../src/testing/world/checkpoint-store.ts';
import { Scheduler } from '../../src/testing/world/scheduler.ts';
import { describeStoresConformance } from './stores-conformance.ts';

describeStoresConformance('level', () => {
  const root = mkdtempSync(join(tmpdir(), 'ottla-stores-'));
  const close = (): void => rmSync(root, { recursive: true });
  return { attach: () => new LevelStores(root), settle: () => {}, close };
});

describeStoresConformance('the simulator’s', () => {
  const scheduler = new Scheduler();
  const stores = new SimulatedStores(1);
  const attach = () => stores.attach((delayUs, run) => void scheduler.schedule(delayUs, run));
  return { attach, settle: () => scheduler.runUntilIdle(), close: () => {} };
});

describe('level stores', () => {
  const root = mkdtempSync(join(tmpdir(), 'ottla-level-'));
  afterAll(() => rmSync(root, { recursive: true }));

  it('takes the database with the highest number into force and removes the others', async () => {
    for (const name of ['checkpoint-2', 'checkpoint-10', 'checkpoint-9']) {
      const opened = await LevelStore.open(join(root, name));
      if (opened.ok) await opened.value.close();
    }
    const stores = new LevelStores(root);
    await new Promise((resolve) => stores.open(resolve));
    expect(readdirSync(root)).toEqual(['checkpoint-10']);
    await new Promise<void>((resolve) => stores.close(resolve));
  });

  it.each([
    { file: 'CURRENT', does: 'names a file that is not there', damage: () => 'MANIFEST-999999\n' },
    { file: 'MANIFEST', does: 'is cut', damage: (bytes: Buffer) => bytes.subarray(0, 20) },
    { file: '.ldb', does: 'is cut', damage: (bytes: Buffer) => bytes.subarray(0, 20) },
  ])('answers CORRUPT where $file $does, and keeps it as evidence when it is set aside', async (damaged) => {
    const folder = join(root, `damaged-${damaged.file}`);
    const content = await filledStores(folder);
    const database = join(folder, 'checkpoint-1');
    const name = readdirSync(database).find((each) => each.includes(damaged.file)) ?? '';
    writeFileSync(join(database, name), damaged.damage(readFileSync(join(database, name))));
    const stores = new LevelStores(folder);
    expect(await readAll(stores)).toMatchObject({ ok: false, error: { code: 'CORRUPT' } });
    const aside = await new Promise((resolve) => stores.setAside(resolve));
    const keptAs = join(folder, 'checkpoint-1.corrupt');
    expect(aside).toMatchObject({ ok: true, value: { keptAs } });
    expect(readdirSync(keptAs)).toEqual(expect.arrayContaining(content));
    expect(await readAll(stores)).toEqual({ ok: true, value: [] });
    await new Promise<void>((resolve) => stores.close(resolve));
    expect(readdirSync(folder).toSorted()).toEqual(['checkpoint-1.corrupt', 'checkpoint-2']);
  });

  it('answers CORRUPT whichever byte of a table is changed, and wherever one is cut', async () => {
    const folder = join(root, 'table');
    const [name = ''] = await filledStores(folder);
    const path = join(folder, 'checkpoint-1', name);
    const bytes = readFileSync(path);
    const codes = new Set<string>();
    for (let at = 0; at < bytes.length; at += at > bytes.length - 200 ? 1 : 41) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      for (const damaged of [changed, bytes.subarray(0, at)]) {
        writeFileSync(path, damaged);
        codes.add(await codeOfOpening(folder));
      }
    }
    expect([...codes]).toEqual(['CORRUPT']);
    writeFileSync(path, bytes);
    expect(await codeOfOpening(folder)).toBe('ok');
  });

  it('answers CORRUPT for a byte in the midst of a table of megabytes, and opens it when it is whole', async () => {
    const folder = join(root, 'large-table');
    const names = await filledStores(folder, 700);
    for (const name of names) {
      const path = join(folder, 'checkpoint-1', name);
      const bytes = readFileSync(path);
      const changed = Buffer.from(bytes);
      const middle = Math.trunc(bytes.length / 2);
      changed.writeUInt8(changed.readUInt8(middle) ^ 1, middle);
      writeFileSync(path, changed);
      expect(await codeOfOpening(folder)).toBe('CORRUPT');
      writeFileSync(path, bytes);
      expect(await codeOfOpening(folder)).toBe('ok');
    }
  });

  it('opens, however often, a database that LevelDB begins to compact at once', async () => {
    const written = join(root, 'compacting');
    await databaseToBeCompacted(written);
    for (let time = 0; time < 6; time++) {
      const copy = join(root, `compacting-${time}`);
      cpSync(written, copy, { recursive: true });
      expect(await codesOfOpenings(copy, 3)).toEqual(['ok', 'ok', 'ok']);
      rmSync(copy, { recursive: true });
    }
  });

  it('answers CORRUPT before LevelDB compacts a damaged table, or one that is gone, and again', async () => {
    const written = join(root, 'damaged-compacting');
    const tables = await databaseToBeCompacted(written);
    for (const name of tables) {
      const path = join(written, 'checkpoint-1', name);
      const bytes = readFileSync(path);
      writeFileSync(path, Buffer.from(bytes).fill(255, 4_500, 7_500));
      expect(await codesOfOpenings(written, 2)).toEqual(['CORRUPT', 'CORRUPT']);
      rmSync(path);
      expect(await codesOfOpenings(written, 2)).toEqual(['CORRUPT', 'CORRUPT']);
      writeFileSync(path, bytes);
    }
    expect(await codesOfOpenings(written, 1)).toEqual(['ok']);
  });

  it('keeps the last one that was set aside, and no earlier one', async () => {
    const folder = join(root, 'twice');
    await filledStores(folder);
    const stores = new LevelStores(folder);
    await new Promise((resolve) => stores.setAside(resolve));
    await new Promise((resolve) => stores.setAside(resolve));
    await new Promise<void>((resolve) => stores.close(resolve));
    expect(readdirSync(folder).toSorted()).toEqual(['checkpoint-2.corrupt', 'checkpoint-3']);
  });

  it('answers CLOSED after it was closed', async () => {
    const opened = await LevelStore.open(join(root, 'closed'));
    assert(opened.ok, 'it opens');
    await opened.value.close();
    const result = await new Promise((resolve) => opened.value.submit({ kind: 'get', keys: [] }, resolve));
    expect(result).toMatchObject({ ok: false, error: { code: 'CLOSED' } });
  });
});

type Opened = Result<CheckpointStore, StoreError>;

/** A database with an entry in a sorted file of its own; gives that file's name. */
async function filledStores(folder: string, entries = 1): Promise<string[]> {
  const stores = new LevelStores(folder);
  const opened = await new Promise<Opened>((resolve) => stores.open(resolve));
  assert(opened.ok, 'a new database opens');
  const puts = Array.from({ length: entries }, (_, at) => ({
    key: Uint8Array.of(1, at >> 8, at & 255),
    value: new Uint8Array(5_000).fill(at),
  }));
  const write = { kind: 'write', puts, deletes: [], sync: true } as const;
  await new Promise((resolve) => opened.value.submit<'write'>(write, resolve));
  await new Promise((resolve) => opened.value.submit<'compact'>({ kind: 'compact' }, resolve));
  await new Promise<void>((resolve) => stores.close(resolve));
  return readdirSync(join(folder, 'checkpoint-1')).filter((name) => name.endsWith('.ldb'));
}

/**
 * A database whose next opening makes the last of so many tables of level 0 that LevelDB compacts them: each
 * opening makes one of the log that it finds. Their keys lie among each other's, or tables would be moved
 * and not merged. Gives the names of those that are there.
 */
async function databaseToBeCompacted(folder: string): Promise<string[]> {
  for (let table = 0; table < 4; table++) {
    const stores = new LevelStores(folder);
    const opened = await new Promise<Opened>((resolve) => stores.open(resolve));
    assert(opened.ok, 'a sound database opens');
    const puts = Array.from({ length: 1_000 }, (_, at) => ({
      key: Uint8Array.of(1, at >> 8, at & 255, table),
      value: new Uint8Array(4_000).fill(at),
    }));
    const write = { kind: 'write', puts, deletes: [], sync: true } as const;
    await new Promise((resolve) => opened.value.submit<'write'>(write, resolve));
    await new Promise<void>((resolve) => stores.close(resolve));
  }
  return readdirSync(join(folder, 'checkpoint-1')).filter((name) => name.endsWith('.ldb'));
}

async function codesOfOpenings(folder: string, times: number): Promise<string[]> {
  const codes: string[] = [];
  for (let time = 0; time < times; time++) codes.push(await codeOfOpening(folder));
  return codes;
}

/** Opens the database in force and reads all of it. */
async function readAll(stores: LevelStores): Promise<Result<readonly StoreEntry[], StoreError>> {
  const opened = await new Promise<Opened>((resolve) => stores.open(resolve));
  if (!opened.ok) return opened;
  const scan = { kind: 'scan', from: Uint8Array.of(0), to: Uint8Array.of(255), limit: 100 } as const;
  return await new Promise((resolve) => opened.value.submit<'scan'>(scan, resolve));
}

async function codeOfOpening(folder: string): Promise<string> {
  const stores = new LevelStores(folder);
  const opened = await new Promise<Opened>((resolve) => stores.open(resolve));
  await new Promise<void>((resolve) => stores.close(resolve));
  return opened.ok ? 'ok' : opened.error.code;
}
