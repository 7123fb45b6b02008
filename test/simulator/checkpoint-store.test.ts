import { describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import type { Offset, Epoch } from '../../src/base/brands.ts';
import type { CheckpointStore, CheckpointStores, StoreEntry } from '../../src/ports/checkpoint-store.ts';
import { SimulatedStores } from '../../src/testing/world/checkpoint-store.ts';
import { Scheduler } from '../../src/testing/world/scheduler.ts';

const bytes = (...values: readonly number[]): Uint8Array => new Uint8Array(values);
const snapshotId = { endOffset: 5 as Offset, epoch: 1 as Epoch };

class Bench {
  readonly scheduler = new Scheduler();
  readonly stores: SimulatedStores;
  port: CheckpointStores;

  constructor(seed: number) {
    this.stores = new SimulatedStores(seed);
    this.port = this.attach();
  }

  attach(): CheckpointStores {
    this.port = this.stores.attach((delayUs, run) => void this.scheduler.schedule(delayUs, run));
    return this.port;
  }

  open(): CheckpointStore {
    let store: CheckpointStore | null = null;
    this.port.open((opened) => {
      assert(opened.ok, 'opens');
      store = opened.value;
    });
    this.scheduler.runUntilIdle();
    assert(store !== null, 'opens in the end');
    return store;
  }

  write(store: CheckpointStore, sync: boolean, ...puts: readonly StoreEntry[]): void {
    store.submit<'write'>({ kind: 'write', puts, deletes: [], sync }, (result) =>
      assert(result.ok, 'writes'),
    );
    this.scheduler.runUntilIdle();
  }

  /** How a write and a compaction end: the code of the error, null where there is none. */
  attempts(store: CheckpointStore): readonly (string | null)[] {
    const codes: (string | null)[] = [];
    const note = (result: { readonly ok: boolean; readonly error?: { readonly code: string } }): void =>
      void codes.push(result.error?.code ?? null);
    const write = { kind: 'write', puts: [entry(9)], deletes: [], sync: true } as const;
    store.submit<'write'>(write, note);
    this.scheduler.runUntilIdle();
    store.submit<'compact'>({ kind: 'compact' }, note);
    this.scheduler.runUntilIdle();
    return codes;
  }

  keys(store: CheckpointStore): readonly number[] {
    let found: readonly StoreEntry[] = [];
    store.submit<'scan'>({ kind: 'scan', from: bytes(0), to: bytes(255), limit: 1000 }, (result) => {
      assert(result.ok, 'scans');
      found = result.value;
    });
    this.scheduler.runUntilIdle();
    return found.map((entry) => entry.key[0] ?? -1);
  }
}

const entry = (key: number): StoreEntry => ({ key: bytes(key), value: bytes(key) });

describe('the simulated checkpoint store', () => {
  it('loses a suffix of what no synced write has followed, and never a part of a batch', () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const bench = new Bench(seed);
      const store = bench.open();
      bench.write(store, false, entry(1));
      bench.write(store, true, entry(2));
      bench.write(store, false, entry(3), entry(4));
      bench.write(store, false, entry(5));
      bench.stores.losePower();
      bench.attach();
      outcomes.add(bench.keys(bench.open()).join(' '));
    }
    expect([...outcomes].toSorted()).toEqual(['1 2', '1 2 3 4', '1 2 3 4 5']);
  });

  it('gives entries in the order of their bytes, from a key on and below another', () => {
    const bench = new Bench(1);
    const store = bench.open();
    bench.write(store, true, entry(200), entry(3), entry(100));
    expect(bench.keys(store)).toEqual([3, 100, 200]);
  });

  it('writes nothing while it is full, compacts nothing while little room is left, and both again later', () => {
    const bench = new Bench(1);
    const store = bench.open();
    bench.stores.room = 'full';
    expect(bench.attempts(store)).toEqual(['NO_SPACE', 'NO_SPACE']);
    bench.stores.room = 'low';
    expect(bench.attempts(store)).toEqual([null, 'NO_SPACE']);
    bench.stores.heal();
    expect(bench.attempts(store)).toEqual([null, null]);
  });

  it('can be damaged once it holds something, until it is wiped', () => {
    const bench = new Bench(1);
    expect(bench.stores.damage('when read')).toBe(false);
    const store = bench.open();
    bench.write(store, true, entry(1));
    expect(bench.stores.damage('when read')).toBe(true);
    expect(bench.attempts(store)).toEqual(['CORRUPT', 'CORRUPT']);
    bench.stores.wipe();
    bench.attach();
    expect(bench.attempts(bench.open())).toEqual([null, null]);
  });

  it('can lose one page without a word, and nothing of what says which pages there are', () => {
    const bench = new Bench(1);
    const store = bench.open();
    bench.write(store, true, { key: Uint8Array.of(0), value: Uint8Array.of(1) });
    expect(bench.stores.losePage(7)).toBe(false);
    for (const page of [1, 2, 3]) {
      bench.write(store, true, { key: Uint8Array.of(1, page), value: Uint8Array.of(page) });
    }
    expect(bench.stores.losePage(7)).toBe(true);
    bench.stores.losePower();
    bench.attach();
    expect(bench.keys(bench.open()).length).toBe(3);
  });

  it('puts a received database in force by one step, durably', () => {
    const bench = new Bench(1);
    const old = bench.open();
    bench.write(old, true, entry(1));
    let received: CheckpointStore | null = null;
    bench.port.openReceiving(snapshotId, (opened) => {
      received = opened.ok ? opened.value : null;
    });
    bench.scheduler.runUntilIdle();
    assert(received !== null, 'opens');
    bench.write(received, false, entry(7));
    expect(bench.keys(old)).toEqual([1]);
    bench.port.installReceived(() => undefined);
    bench.scheduler.runUntilIdle();
    bench.stores.losePower();
    bench.attach();
    expect(bench.keys(bench.open())).toEqual([7]);
  });
});
