import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { epoch, offset } from '../../src/base/brands.ts';
import type { Result } from '../../src/base/result.ts';
import type {
  CheckpointStore,
  CheckpointStores,
  StoreError,
  StoreOperation,
  StoreResults,
  StoreSetAside,
} from '../../src/ports/checkpoint-store.ts';

/** The databases of one node under test. */
export type StoresUnderTest = {
  /** The databases as a new process sees them. */
  readonly attach: () => CheckpointStores;
  readonly settle: () => void;
  readonly close: () => void;
};

const snapshotId = { endOffset: offset(10), epoch: epoch(2) };
const otherSnapshotId = { endOffset: offset(20), epoch: epoch(2) };

/** What every adapter of `ports/checkpoint-store` must do. */
export function describeStoresConformance(name: string, make: () => StoresUnderTest): void {
  describe(`checkpoint stores: ${name}`, () => {
    let under: StoresUnderTest;
    let stores: CheckpointStores;
    beforeEach(() => {
      under = make();
      stores = under.attach();
    });
    afterEach(async () => {
      await closeStores();
      under.close();
    });

    /** Waits for a completion that must not come from within the call. */
    function answered<Value>(call: (complete: (value: Value) => void) => void): Promise<Value> {
      return new Promise((resolve) => {
        let returned = false;
        call((value) => {
          expect(returned, 'a completion never comes from within a call').toBe(true);
          resolve(value);
        });
        returned = true;
        under.settle();
      });
    }

    async function sound<Value>(
      call: (complete: (result: Result<Value, StoreError>) => void) => void,
    ): Promise<Value> {
      const result = await answered(call);
      assert(result.ok, `it succeeds: ${JSON.stringify(result)}`);
      return result.value;
    }

    const open = (): Promise<CheckpointStore> => sound((done) => stores.open(done));
    const receive = (id: typeof snapshotId): Promise<CheckpointStore> =>
      sound((done) => stores.openReceiving(id, done));
    const closeStores = (): Promise<void> => answered((done) => stores.close(() => done(undefined)));

    async function restart(): Promise<void> {
      await closeStores();
      stores = under.attach();
    }

    const submit = <Kind extends StoreOperation['kind']>(
      store: CheckpointStore,
      operation: Extract<StoreOperation, { kind: Kind }>,
    ): Promise<StoreResults[Kind]> => sound((done) => store.submit(operation, done));

    const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

    const put = (
      store: CheckpointStore,
      entries: readonly (readonly [Uint8Array, string])[],
    ): Promise<null> =>
      submit(store, {
        kind: 'write',
        puts: entries.map(([key, value]) => ({ key, value: Buffer.from(value) })),
        deletes: [],
        sync: true,
      });

    async function get(
      store: CheckpointStore,
      ...keys: readonly Uint8Array[]
    ): Promise<readonly (string | null)[]> {
      const values = await submit(store, { kind: 'get', keys });
      return values.map((value) => (value === null ? null : Buffer.from(value).toString()));
    }

    async function scan(
      store: CheckpointStore,
      from: Uint8Array,
      to: Uint8Array,
      limit: number,
    ): Promise<readonly string[]> {
      const entries = await submit(store, { kind: 'scan', from, to, limit });
      return entries.map(
        ({ key, value }) => `${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString()}`,
      );
    }

    it('gives what was written, and null for what was not', async () => {
      const store = await open();
      await put(store, [
        [bytes(1), 'one'],
        [bytes(2), ''],
      ]);
      expect(await get(store, bytes(2), bytes(3), bytes(1))).toEqual(['', null, 'one']);
      expect(await get(store)).toEqual([]);
    });

    it('orders keys by bytes and scans half-open ranges up to a limit', async () => {
      const store = await open();
      await put(store, [
        [bytes(0x80), 'd'],
        [bytes(0x7f, 0xff), 'c'],
        [bytes(0x7f), 'b'],
        [bytes(0, 0), 'a'],
        [bytes(0xff, 0xff), 'e'],
      ]);
      expect(await scan(store, bytes(0), bytes(0xff, 0xff), 100)).toEqual([
        '0000=a',
        '7f=b',
        '7fff=c',
        '80=d',
      ]);
      expect(await scan(store, bytes(0x7f), bytes(0x80), 100)).toEqual(['7f=b', '7fff=c']);
      expect(await scan(store, bytes(0), bytes(0xff, 0xff, 0xff), 2)).toEqual(['0000=a', '7f=b']);
      expect(await scan(store, bytes(0x20), bytes(0x20), 10)).toEqual([]);
      expect(await scan(store, bytes(0x30), bytes(0x20), 10)).toEqual([]);
    });

    it('scans thousands of entries in order', async () => {
      const store = await open();
      const keys = [...Array(2_500).keys()].map((at) => bytes(at >> 8, at & 255));
      await put(
        store,
        keys.map((key) => [key, 'x'.repeat(2_000)] as const),
      );
      const found = await submit(store, { kind: 'scan', from: bytes(0), to: bytes(0xff), limit: 10_000 });
      expect(found.map(({ key }) => Buffer.from(key).readUInt16BE())).toEqual([...Array(2_500).keys()]);
    });

    it('applies puts and deletes of one write together', async () => {
      const store = await open();
      await put(store, [
        [bytes(1), 'old'],
        [bytes(2), 'gone'],
      ]);
      const puts = [{ key: bytes(1), value: Buffer.from('new') }];
      await submit(store, { kind: 'write', puts, deletes: [bytes(2), bytes(9)], sync: false });
      expect(await get(store, bytes(1), bytes(2))).toEqual(['new', null]);
      await submit(store, { kind: 'write', puts: [], deletes: [], sync: true });
    });

    it('keeps its entries over compaction and over a restart', async () => {
      const store = await open();
      await put(store, [[bytes(1), 'one']]);
      await submit(store, { kind: 'compact' });
      expect(await get(store, bytes(1))).toEqual(['one']);
      await restart();
      expect(await get(await open(), bytes(1))).toEqual(['one']);
    });

    it('receives beside the one in force, and resumes the same snapshot after a restart', async () => {
      const store = await open();
      await put(store, [[bytes(1), 'in force']]);
      await put(await receive(snapshotId), [[bytes(1), 'received']]);
      expect(await get(store, bytes(1))).toEqual(['in force']);
      expect(await get(await receive(snapshotId), bytes(1))).toEqual(['received']);
      await restart();
      expect(await get(await open(), bytes(1))).toEqual(['in force']);
      expect(await get(await receive(snapshotId), bytes(1))).toEqual(['received']);
    });

    it('throws an unfinished snapshot away for another one', async () => {
      await open();
      await put(await receive(snapshotId), [[bytes(1), 'unfinished']]);
      expect(await get(await receive(otherSnapshotId), bytes(1))).toEqual([null]);
      expect(await get(await receive(snapshotId), bytes(1))).toEqual([null]);
    });

    it('puts the received one in force, for good, and can receive the next', async () => {
      await put(await open(), [
        [bytes(1), 'first'],
        [bytes(2), 'first'],
      ]);
      for (const value of ['second', 'third']) {
        await put(await receive(snapshotId), [[bytes(1), value]]);
        const installed = await sound<CheckpointStore>((done) => stores.installReceived(done));
        expect(await get(installed, bytes(1), bytes(2))).toEqual([value, null]);
        expect(await get(await receive(snapshotId), bytes(1))).toEqual([null]);
      }
      await restart();
      expect(await get(await open(), bytes(1), bytes(2))).toEqual(['third', null]);
    });

    it('forgets what was received when that is discarded, be anything there or not', async () => {
      await put(await open(), [[bytes(1), 'in force']]);
      await put(await receive(snapshotId), [[bytes(1), 'received']]);
      await sound<null>((done) => stores.discardReceiving(done));
      await sound<null>((done) => stores.discardReceiving(done));
      expect(await get(await receive(snapshotId), bytes(1))).toEqual([null]);
      expect(await get(await open(), bytes(1))).toEqual(['in force']);
    });

    it('goes on with an empty one in the place of one that is set aside, and with the one after it', async () => {
      await put(await open(), [[bytes(1), 'damaged']]);
      for (const value of ['second', 'third']) {
        const { store } = await sound<StoreSetAside>((done) => stores.setAside(done));
        expect(await get(store, bytes(1))).toEqual([null]);
        await put(store, [[bytes(1), value]]);
        await restart();
        expect(await get(await open(), bytes(1))).toEqual([value]);
      }
      await put(await receive(snapshotId), [[bytes(1), 'fourth']]);
      await sound<CheckpointStore>((done) => stores.installReceived(done));
      await restart();
      expect(await get(await open(), bytes(1))).toEqual(['fourth']);
    });

    it('refuses to install when nothing was received', async () => {
      await open();
      const result = await answered<Result<CheckpointStore, StoreError>>((done) =>
        stores.installReceived(done),
      );
      expect(result.ok).toBe(false);
    });
  });
}
