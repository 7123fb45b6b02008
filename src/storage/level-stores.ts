import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assertDefined } from '../base/assert.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type {
  CheckpointStore,
  CheckpointStores,
  StoreError,
  StoreSetAside,
} from '../ports/checkpoint-store.ts';
import type { SnapshotId } from '../raft/snapshot-id.ts';
import { LevelStore, storeErrorOf } from './level-store.ts';

const currentPattern = /^checkpoint-(\d+)$/;
const receivingPattern = /^receiving-\d+-\d+$/;
const setAsidePattern = /^checkpoint-\d+\.corrupt$/;

type Opened = { readonly name: string; readonly store: LevelStore };

/**
 * The databases of one node, as folders of `directory`. The one in force is `checkpoint-<n>` with the
 * highest n; a snapshot is received into `receiving-<end offset>-<epoch>`, so that it can be resumed after a
 * restart, and comes into force by being renamed to the next number. A damaged one is set aside as
 * `checkpoint-<n>.corrupt`. All calls run one after another.
 */
export class LevelStores implements CheckpointStores {
  readonly #directory: string;
  #current: Opened | null = null;
  #receiving: Opened | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(directory: string) {
    this.#directory = directory;
  }

  open(complete: (result: Result<CheckpointStore, StoreError>) => void): void {
    this.#enqueue(() => this.#openCurrent(), complete);
  }

  openReceiving(
    snapshotId: SnapshotId,
    complete: (result: Result<CheckpointStore, StoreError>) => void,
  ): void {
    const name = `receiving-${snapshotId.endOffset}-${snapshotId.epoch}`;
    this.#enqueue(() => this.#openReceiving(name), complete);
  }

  discardReceiving(complete: (result: Result<null, StoreError>) => void): void {
    this.#enqueue(() => this.#discardReceiving(), complete);
  }

  installReceived(complete: (result: Result<CheckpointStore, StoreError>) => void): void {
    this.#enqueue(() => this.#install(), complete);
  }

  setAside(complete: (result: Result<StoreSetAside, StoreError>) => void): void {
    this.#enqueue(() => this.#setAside(), complete);
  }

  close(complete: () => void): void {
    const closed = async (): Promise<Result<null, StoreError>> => {
      await this.#current?.store.close();
      await this.#receiving?.store.close();
      this.#current = null;
      this.#receiving = null;
      return ok(null);
    };
    this.#enqueue(closed, () => complete());
  }

  #enqueue<Value>(
    run: () => Promise<Result<Value, StoreError>>,
    complete: (result: Result<Value, StoreError>) => void,
  ): void {
    const settled = this.#last.then(run).catch((error: unknown) => failed(storeErrorOf(error)));
    this.#last = settled.then((result) => void setImmediate(complete, result));
  }

  async #openCurrent(): Promise<Result<CheckpointStore, StoreError>> {
    if (this.#current !== null) return ok(this.#current.store);
    const numbers = await this.#numbers();
    const newest = Math.max(1, ...numbers);
    const opened = await this.#openStore(`checkpoint-${newest}`);
    if (!opened.ok) return opened;
    this.#current = opened.value;
    // An earlier switch may have ended before it removed what it replaced.
    await this.#removeBelow(newest, numbers);
    return ok(opened.value.store);
  }

  async #numbers(): Promise<readonly number[]> {
    await mkdir(this.#directory, { recursive: true });
    return (await readdir(this.#directory)).flatMap((name) => {
      const number = currentPattern.exec(name)?.[1];
      return number === undefined ? [] : [Number(number)];
    });
  }

  async #removeBelow(newest: number, numbers: readonly number[]): Promise<void> {
    for (const number of numbers) if (number < newest) await this.#remove(`checkpoint-${number}`);
  }

  /** Only one is kept: it is there to be looked at, and must not fill the disk. */
  async #setAside(): Promise<Result<StoreSetAside, StoreError>> {
    await this.#current?.store.close();
    this.#current = null;
    const numbers = await this.#numbers();
    const damaged = Math.max(1, ...numbers);
    await this.#removeBelow(damaged, numbers);
    await this.#removeMatching(setAsidePattern);
    const keptAs = join(this.#directory, `checkpoint-${damaged}.corrupt`);
    await rename(join(this.#directory, `checkpoint-${damaged}`), keptAs);
    const opened = await this.#openStore(`checkpoint-${damaged + 1}`);
    if (!opened.ok) return opened;
    this.#current = opened.value;
    return ok({ store: opened.value.store, keptAs });
  }

  async #discardReceiving(): Promise<Result<null, StoreError>> {
    await this.#receiving?.store.close();
    this.#receiving = null;
    await mkdir(this.#directory, { recursive: true });
    await this.#removeMatching(receivingPattern);
    return ok(null);
  }

  async #openReceiving(name: string): Promise<Result<CheckpointStore, StoreError>> {
    if (this.#receiving?.name === name) return ok(this.#receiving.store);
    await this.#receiving?.store.close();
    this.#receiving = null;
    await mkdir(this.#directory, { recursive: true });
    for (const other of await readdir(this.#directory)) {
      if (receivingPattern.test(other) && other !== name) await this.#remove(other);
    }
    const opened = await this.#openStore(name);
    if (!opened.ok) return opened;
    this.#receiving = opened.value;
    return ok(opened.value.store);
  }

  async #install(): Promise<Result<CheckpointStore, StoreError>> {
    const received = this.#receiving;
    if (received === null) return failed({ code: 'IO', message: 'nothing was received' });
    const opened = await this.#openCurrent();
    if (!opened.ok) return opened;
    const replaced = assertDefined(this.#current, 'a database is in force');
    await received.store.sync();
    await received.store.close();
    this.#receiving = null;
    const number = Number(assertDefined(currentPattern.exec(replaced.name)?.[1], 'a numbered database'));
    const name = `checkpoint-${number + 1}`;
    await rename(join(this.#directory, received.name), join(this.#directory, name));
    // From here on a restart finds the received one in force.
    await syncFolder(this.#directory);
    await replaced.store.close();
    this.#current = null;
    await this.#remove(replaced.name);
    return await this.#openCurrent();
  }

  async #openStore(name: string): Promise<Result<Opened, StoreError>> {
    const store = await LevelStore.open(join(this.#directory, name));
    if (!store.ok) return store;
    try {
      await syncFolder(this.#directory);
    } catch (error) {
      // Left open, it would be locked for the next attempt.
      await store.value.close();
      throw error;
    }
    return ok({ name, store: store.value });
  }

  async #removeMatching(pattern: RegExp): Promise<void> {
    for (const name of await readdir(this.#directory)) if (pattern.test(name)) await this.#remove(name);
  }

  async #remove(name: string): Promise<void> {
    await rm(join(this.#directory, name), { recursive: true, force: true });
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
