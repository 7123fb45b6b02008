import { readdir } from 'node:fs/promises';
import { Level } from 'level';
import { failed, ok, type Result } from '../base/result.ts';
import type {
  CheckpointStore,
  StoreEntry,
  StoreError,
  StoreOperation,
  StoreResults,
} from '../ports/checkpoint-store.ts';
import { readLiveTables } from './level-manifest.ts';
import { findTableDamage } from './level-tables.ts';

type Database = Level<Uint8Array, Uint8Array>;
type Operation<Kind extends StoreOperation['kind']> = Extract<StoreOperation, { kind: Kind }>;

/** Entries that one call to the iterator may bring, and bytes that it holds meanwhile. */
const entriesPerStep = 1_000;
const bytesPerStep = 4_194_304;

/** Above every key that is compacted: keys are far shorter than this many bytes of 255. */
const afterAllKeys = new Uint8Array(256).fill(255);

/**
 * `ports/checkpoint-store` over one LevelDB database. Keys and values are bytes; keys are ordered by bytes.
 *
 * After a write, a flush or a compaction that failed, for want of space perhaps, LevelDB answers every later
 * write with that same error, or goes on behind half a record in its log, at which its next recovery stops
 * reading. So a database of which something failed is closed and opened again, which recovers it from its
 * files, before the next operation; while the disk is full that fails, too, and is tried again by the next.
 */
export class LevelStore implements CheckpointStore {
  readonly #location: string;
  readonly #database: Database;
  #hasFailed = false;
  #reopening: Promise<void> | null = null;
  #isClosed = false;

  private constructor(location: string, database: Database) {
    this.#location = location;
    this.#database = database;
  }

  /**
   * Opens the database in `location`, making it where missing. Every byte of its tables is as it was written,
   * or the answer is CORRUPT. That does not hold of LevelDB's own log: its recovery drops what it finds damaged
   * there without a word (`runtime/start/open-checkpoint.ts`, point 5).
   *
   * The tables are looked through before LevelDB has the files: it begins to compact as soon as it is open,
   * deletes tables that the check has not reached, and ends the process where it meets a damaged one. The caller
   * holds the lock of the data directory, so that nobody else has the database open meanwhile.
   */
  static async open(location: string): Promise<Result<LevelStore, StoreError>> {
    try {
      const damage = await findDamage(location);
      if (damage !== null) return failed({ code: 'CORRUPT', message: damage });
    } catch (error) {
      return failed(storeErrorOf(error));
    }
    const database: Database = new Level<Uint8Array, Uint8Array>(location, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      // Pages are packed columns, which gain little from Snappy and cost time (reference: peers.md).
      compression: false,
      writeBufferSize: 67_108_864,
    });
    try {
      await database.open();
      return ok(new LevelStore(location, database));
    } catch (error) {
      // It answers why it could not be opened, whatever closing it says.
      await database.close().catch(() => {});
      return failed(storeErrorOf(error));
    }
  }

  submit<Kind extends StoreOperation['kind']>(
    operation: Operation<Kind>,
    complete: (result: Result<StoreResults[Kind], StoreError>) => void,
  ): void {
    // The compiler does not relate Kind to the case that is met; the pairs are those of StoreResults.
    const answer = complete as (result: Result<unknown, StoreError>) => void;
    this.#runSound(operation).then(
      (value) => setImmediate(answer, ok(value)),
      (error: unknown) => setImmediate(answer, failed(storeErrorOf(error))),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#reopening?.catch(() => {});
    await this.#database.close();
  }

  /** Makes every completed write durable: LevelDB writes its log in order, so one flush covers them all. */
  async sync(): Promise<void> {
    await this.#database.del(afterAllKeys, syncedWrite);
  }

  async #runSound(operation: StoreOperation): Promise<unknown> {
    if (this.#hasFailed && !this.#isClosed) {
      this.#reopening ??= this.#reopen();
      await this.#reopening;
    }
    try {
      return await this.#run(operation);
    } catch (error) {
      this.#hasFailed ||= operation.kind === 'write' || operation.kind === 'compact';
      throw error;
    }
  }

  async #reopen(): Promise<void> {
    try {
      await this.#database.close();
      await this.#database.open();
      this.#hasFailed = false;
    } finally {
      this.#reopening = null;
    }
  }

  async #run(operation: StoreOperation): Promise<unknown> {
    switch (operation.kind) {
      case 'write':
        return await this.#write(operation);
      case 'get': {
        const values: readonly (Uint8Array | undefined)[] = await this.#database.getMany([...operation.keys]);
        return values.map((value) => value ?? null);
      }
      case 'scan':
        return await this.#scan(operation);
      case 'compact':
        await this.#compact();
        return null;
    }
  }

  async #write(operation: Operation<'write'>): Promise<null> {
    const puts = operation.puts.map(({ key, value }) => ({ type: 'put' as const, key, value }));
    const deletes = operation.deletes.map((key) => ({ type: 'del' as const, key }));
    const all = [...puts, ...deletes];
    if (all.length === 0 && operation.sync) await this.sync();
    else await this.#database.batch(all, operation.sync ? syncedWrite : {});
    return null;
  }

  /**
   * LevelDB's own compaction answers nothing: what fails in it is kept in memory, and is the answer to the
   * next write. And it has begun only if there is a new log for what comes after it.
   */
  async #compact(): Promise<void> {
    const before = await newestLog(this.#location);
    await compactAll(this.#database);
    if ((await newestLog(this.#location)) <= before)
      throw new Error(`${this.#location}: no new log could be made, as when no space is left on the device`);
    await this.sync();
  }

  async #scan(operation: Operation<'scan'>): Promise<readonly StoreEntry[]> {
    const { from, to, limit } = operation;
    // Neither bound is a key of its own, so that an empty range is one also for the iterator.
    const range = { gte: from, lt: to, limit, highWaterMarkBytes: bytesPerStep, fillCache: false };
    const iterator = this.#database.iterator<Uint8Array, Uint8Array>(range);
    const found: StoreEntry[] = [];
    try {
      for (;;) {
        const entries = await iterator.nextv(entriesPerStep);
        if (entries.length === 0) return found;
        for (const [key, value] of entries) found.push({ key, value });
      }
    } finally {
      await iterator.close();
    }
  }
}

// `sync` is LevelDB's own option; the interface that all backends share does not name it.
const syncedWrite: object = { sync: true };

/** Looks through every table before any of it is believed; LevelDB checks the MANIFEST by itself once more. */
async function findDamage(location: string): Promise<string | null> {
  const tables = await readLiveTables(location);
  if (!tables.ok) return tables.error;
  for (const table of tables.value) {
    const damage = await findTableDamage(location, table);
    if (damage !== null) return damage;
  }
  return null;
}

type Compacting = { compactRange(start: Uint8Array, end: Uint8Array): Promise<void> };

function canCompact(database: object): database is Compacting {
  return 'compactRange' in database && typeof database.compactRange === 'function';
}

async function compactAll(database: Database): Promise<void> {
  if (!canCompact(database)) throw new TypeError('this build of level cannot compact');
  await database.compactRange(new Uint8Array(1), afterAllKeys);
}

/** The number of the log that LevelDB writes to. */
async function newestLog(location: string): Promise<number> {
  const names = await readdir(location);
  return Math.max(0, ...names.map((name) => Number(/^(\d+)\.log$/.exec(name)?.[1] ?? 0)));
}

/** Walks from an error to its causes: abstract-level wraps the reason why opening failed. */
function* causesOf(error: unknown): Generator<Error> {
  let next = error;
  for (let depth = 0; depth < 4 && next instanceof Error; depth++) {
    yield next;
    next = next.cause;
  }
}

export function levelErrorCodes(error: unknown): readonly string[] {
  return [...causesOf(error)].map((cause) => ('code' in cause ? String(cause.code) : ''));
}

/** What LevelDB says of a file of its own that is shorter than it was, or is not there, or is not named as it was. */
const lostFile = /: (Invalid argument|No such file or directory|Not a directory|Is a directory)/;

export function storeErrorOf(error: unknown): StoreError {
  const codes = levelErrorCodes(error);
  const message = [...causesOf(error)].map((cause) => cause.message).join(': ') || String(error);
  if (codes.includes('LEVEL_CORRUPTION')) return { code: 'CORRUPT', message };
  if (codes.includes('LEVEL_IO_ERROR') && lostFile.test(message)) return { code: 'CORRUPT', message };
  if (/no space (is )?left|disk quota/i.test(message)) return { code: 'NO_SPACE', message };
  const isOpen = !codes.includes('LEVEL_DATABASE_NOT_OPEN') || codes.length > 1;
  return { code: isOpen ? 'IO' : 'CLOSED', message };
}
