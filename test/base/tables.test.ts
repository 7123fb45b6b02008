import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Columns, rowsPerPage } from '../../src/base/columns.ts';
import { compareBytes, compareNumbers, compareStrings } from '../../src/base/compare.ts';
import {
  type Digest,
  addDigests,
  digestText,
  Hasher,
  sameDigest,
  zeroDigest,
} from '../../src/base/digest.ts';
import { EditToken } from '../../src/base/edit-token.ts';
import { KeyedTable } from '../../src/base/keyed-table.ts';
import { OrderedMap } from '../../src/base/ordered-map.ts';
import { RowTable } from '../../src/base/row-table.ts';
import { SlotSet } from '../../src/base/slot-set.ts';

/** One change of a structure; `snapshot` ends the token, so that what follows copies. */
const changes = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('add' as const), value: fc.nat({ max: 3_000 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('remove' as const), value: fc.nat({ max: 3_000 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('snapshot' as const), value: fc.constant(0) }) },
  ),
  { maxLength: 300, size: 'max' },
);

describe('a slot set', () => {
  it('holds what a Set holds, in order, and its snapshots never change', () => {
    fc.assert(
      fc.property(changes, fc.nat({ max: 3_000 }), (steps, from) => {
        const model = new Set<number>();
        const snapshots: { readonly set: SlotSet; readonly values: readonly number[] }[] = [];
        let set = SlotSet.empty.fork();
        let token = new EditToken();
        for (const { kind, value } of steps) {
          if (kind === 'snapshot') {
            token.end();
            token = new EditToken();
            snapshots.push({ set, values: [...model].sort((left, right) => left - right) });
            set = set.fork();
            continue;
          }
          const isExpected = kind === 'add' ? !model.has(value) : model.has(value);
          const isChanged = kind === 'add' ? set.add(value, token) : set.remove(value, token);
          expect(isChanged).toBe(isExpected);
          if (kind === 'add') model.add(value);
          else model.delete(value);
          expect(set.has(value)).toBe(model.has(value));
          expect(set.size).toBe(model.size);
        }
        const sorted = [...model].sort((left, right) => left - right);
        expect([...set.valuesFrom(0)]).toEqual(sorted);
        expect([...set.valuesFrom(from)]).toEqual(sorted.filter((value) => value >= from));
        expect(set.next(from)).toBe(sorted.find((value) => value >= from) ?? null);
        expect(set.first()).toBe(sorted[0] ?? null);
        for (const { set: earlier, values } of snapshots) expect([...earlier.valuesFrom(0)]).toEqual(values);
      }),
      { numRuns: 60 },
    );
  });

  it('splits and empties chunks, whatever the order of arrival', () => {
    const token = new EditToken();
    const set = SlotSet.empty.fork();
    const values = Array.from({ length: 4_000 }, (_, at) => (at * 1_237) % 4_000);
    for (const value of values) set.add(value, token);
    expect([...set.valuesFrom(0)]).toEqual(Array.from({ length: 4_000 }, (_, at) => at));
    for (const value of values) set.remove(value, token);
    expect(set.size).toBe(0);
    expect(set.first()).toBeNull();
    expect(set.add(5, token)).toBe(true);
  });

  it('cannot be changed with a token that has ended', () => {
    const token = new EditToken();
    token.end();
    expect(() => SlotSet.empty.fork().add(1, token)).toThrow(/frozen/);
  });
});

const layout = { columns: 3, arrays: 4 };
const shortArray = fc.array(fc.integer(), { maxLength: 6 });
const rowShape = fc.record({
  columns: fc.tuple(fc.integer(), fc.integer(), fc.integer()),
  arrays: fc.oneof(
    fc.tuple(shortArray, shortArray, shortArray, shortArray),
    shortArray.map((same): [number[], number[], number[], number[]] => [same, [...same], [], []]),
  ),
});
type Row = { readonly columns: readonly number[]; readonly arrays: readonly (readonly number[])[] };

function readRow(columns: Columns, slot: number): Row {
  return {
    columns: [0, 1, 2].map((at) => columns.column(slot, at)),
    arrays: [0, 1, 2, 3].map((at) => columns.array(slot, at)),
  };
}

function readAll(columns: Columns): Map<number, Row> {
  return new Map([...columns.slots()].map((slot) => [slot, readRow(columns, slot)]));
}

/** What a checkpoint does: exports every page and takes it in again. */
function copyByPages(columns: Columns): Columns {
  const copy = Columns.empty(layout).fork();
  const token = new EditToken();
  for (let index = 0; index < columns.pageCount; index++) {
    const ints = columns.exportPage(index);
    if (ints !== null && !copy.importPage(index, ints, token)) throw new Error(`page ${index} was refused`);
  }
  return copy;
}

const columnSteps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('insert' as const), row: rowShape, at: fc.nat() }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('update' as const), row: rowShape, at: fc.nat() }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('remove' as const), row: rowShape, at: fc.nat() }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('snapshot' as const), row: rowShape, at: fc.nat() }),
    },
  ),
  { maxLength: 250, size: 'max' },
);

describe('columns', () => {
  it('hold what a Map holds, use the lowest free slot, and their snapshots never change', () => {
    fc.assert(
      fc.property(columnSteps, (steps) => {
        let columns = Columns.empty(layout).fork();
        let token = new EditToken();
        const model = new Map<number, Row>();
        const snapshots: { readonly columns: Columns; readonly rows: Map<number, Row> }[] = [];
        let misplaced = false;
        for (const { kind, row, at } of steps) {
          const slots = [...model.keys()].sort((left, right) => left - right);
          const slot = slots[at % slots.length];
          if (kind === 'insert') {
            let lowest = 0;
            while (model.has(lowest)) lowest++;
            model.set(columns.insert(row.columns, row.arrays, token), row);
            misplaced ||= !model.has(lowest);
          } else if (kind === 'snapshot') {
            token.end();
            token = new EditToken();
            snapshots.push({ columns, rows: new Map(model) });
            columns = columns.fork();
          } else if (slot !== undefined && kind === 'update') {
            columns.update(slot, row.columns, row.arrays, token);
            model.set(slot, row);
          } else if (slot !== undefined) {
            columns.remove(slot, token);
            model.delete(slot);
          }
          expect(columns.size).toBe(model.size);
        }
        expect(misplaced).toBe(false);
        const sorted = new Map([...model].sort((left, right) => left[0] - right[0]));
        expect(readAll(columns)).toEqual(sorted);
        const imported = copyByPages(columns);
        expect(readAll(imported)).toEqual(sorted);
        // Both put the next rows into the same slots.
        const next = Array.from({ length: 5 }, () => columns.insert([0, 0, 0], [[], [], [], []], token));
        const nextImported = next.map(() => imported.insert([0, 0, 0], [[], [], [], []], token));
        expect(nextImported).toEqual(next);
        for (const { columns: earlier, rows } of snapshots) {
          expect(readAll(earlier)).toEqual(new Map([...rows].sort((left, right) => left[0] - right[0])));
        }
      }),
      { numRuns: 80 },
    );
  });

  it('use slots of pages that had become empty again after they were taken in', () => {
    const source = Columns.empty(layout).fork();
    const token = new EditToken();
    const add = (columns: Columns) => columns.insert([1, 2, 3], [[1], [2], [], []], token);
    for (let row = 0; row < 5 * rowsPerPage; row++) add(source);
    // The first page, one in between, and the last one.
    for (const page of [0, 2, 4]) {
      for (let row = 0; row < rowsPerPage; row++) source.remove(page * rowsPerPage + row, token);
    }
    const copy = copyByPages(source);
    const expected = Array.from({ length: 4 * rowsPerPage }, () => add(source));
    expect(Array.from({ length: 4 * rowsPerPage }, () => add(copy))).toEqual(expected);
    expect(expected.slice(0, rowsPerPage)).toEqual(Array.from({ length: rowsPerPage }, (_, row) => row));
  });

  it('take in nothing but what was exported, and never throw over it', () => {
    const source = Columns.empty(layout).fork();
    source.insert([1, 2, 3], [[5, 6], [6], [], [-9]], new EditToken());
    const exported = source.exportPage(0) ?? new Int32Array(0);
    const isTaken = (ints: Int32Array) => Columns.empty(layout).fork().importPage(0, ints, new EditToken());
    expect(isTaken(exported)).toBe(true);
    expect(isTaken(new Int32Array(0))).toBe(false);
    for (let length = 1; length < exported.length; length++)
      expect(isTaken(exported.slice(0, length))).toBe(false);
    expect(isTaken(Int32Array.of(...exported, ...exported))).toBe(false);
    fc.assert(
      fc.property(fc.int32Array({ maxLength: 40 }), fc.array(fc.nat({ max: 40 })), (noise, places) => {
        const changed = exported.slice();
        for (const place of places) changed[place % changed.length] = noise[place % noise.length] ?? 0;
        expect([typeof isTaken(noise), typeof isTaken(changed)]).toEqual(['boolean', 'boolean']);
      }),
    );
  });

  it('answer for single values what they hold', () => {
    const columns = Columns.empty(layout).fork();
    const slot = columns.insert([1, -2, 3], [[5, 6], [6], [], [-9]], new EditToken());
    expect(columns.arrayLength(slot, 0)).toBe(2);
    expect(columns.arrayHas(slot, 1, 6)).toBe(true);
    expect(columns.arrayHas(slot, 1, 5)).toBe(false);
    expect(columns.arrayHas(slot, 3, -9)).toBe(true);
    expect(columns.has(slot + 1)).toBe(false);
    expect(() => columns.column(slot + 1, 0)).toThrow(/holds no row/);
  });

  it('copy one page, not the others, and each page once for a token', () => {
    const first = Columns.empty(layout).fork();
    const building = new EditToken();
    for (let at = 0; at < 1_000; at++) first.insert([at, 0, 0], [[at], [at], [], []], building);
    building.end();
    const second = first.fork();
    const token = new EditToken();
    second.update(300, [1, 1, 1], [[], [], [], []], token);
    const at = Math.floor(300 / rowsPerPage);
    const changed = second.page(at);
    second.update(301, [1, 1, 1], [[1, 2, 3, 4], [], [], []], token);
    expect(second.page(at)).toBe(changed);
    const shared = Array.from(
      { length: first.pageCount },
      (_, index) => second.page(index) === first.page(index),
    );
    expect(shared.flatMap((isShared, index) => (isShared ? [] : [index]))).toEqual([at]);
    expect(first.column(300, 0)).toBe(300);
  });

  it('refuse a row that is not there, and an array that is too long', () => {
    const columns = Columns.empty(layout).fork();
    const token = new EditToken();
    const empty = [[], [], [], []];
    columns.insert([0, 0, 0], empty, token);
    expect(() => columns.update(1, [0, 0, 0], empty, token)).toThrow(/no row/);
    expect(() => columns.remove(1, token)).toThrow(/no row/);
    const long = Array.from({ length: 256 }, () => 1);
    expect(() => columns.insert([0, 0, 0], [long, [], [], []], token)).toThrow(/255/);
  });

  it('keep a page’s digest until the page changes', () => {
    const columns = Columns.empty(layout).fork();
    const token = new EditToken();
    columns.insert([0, 0, 0], [[], [], [], []], token);
    let computed = 0;
    const make = () => {
      computed++;
      return { high: computed, low: 0 };
    };
    columns.pageDigest(0, make);
    columns.pageDigest(0, make);
    expect(computed).toBe(1);
    columns.update(0, [1, 0, 0], [[], [], [], []], token);
    expect(columns.pageDigest(0, make)).toEqual({ high: 2, low: 0 });
    columns.remove(0, token);
    expect(columns.pageDigest(0, make)).toBe(zeroDigest);
  });
});

describe('a keyed table', () => {
  it('keeps rows by key in key order, and earlier tables as they were', () => {
    const empty = KeyedTable.empty<string, { readonly name: string; readonly value: number }>(compareStrings);
    const token = new EditToken();
    const draft = empty.edit(token);
    for (const name of ['b', 'a', 'c']) draft.set(name, { name, value: 1 });
    const first = draft.freeze();
    token.end();
    const next = new EditToken();
    const edit = first.edit(next);
    edit.set('b', { name: 'b', value: 2 });
    expect(edit.delete('a')).toBe(true);
    expect(edit.delete('a')).toBe(false);
    const second = edit.freeze();
    expect([...first.values()].map((row) => row.value)).toEqual([1, 1, 1]);
    expect([...second.values()]).toEqual([
      { name: 'b', value: 2 },
      { name: 'c', value: 1 },
    ]);
    expect([...second.valuesAfter('b')].map((row) => row.name)).toEqual(['c']);
    expect([...first.values('b')].map((row) => row.name)).toEqual(['b', 'c']);
    expect(empty.size).toBe(0);
    expect(Object.isFrozen(second.get('b'))).toBe(true);
    expect(() => edit.get('b')).toThrow(/frozen/);
  });

  it('reads only the rows that have changed for the digest of their page', () => {
    type Row = { readonly value: number };
    const read: number[] = [];
    const digestOf = ({ value }: Row): Digest => {
      read.push(value);
      return { high: value, low: 1 };
    };
    const before = RowTable.empty<Row>().fork();
    const first = new EditToken();
    for (const value of [1, 2, 4, 8]) before.insert({ value }, first);
    first.end();
    expect(before.pageDigest(0, digestOf)).toEqual({ high: 15, low: 4 });
    const after = before.fork();
    const second = new EditToken();
    after.update(1, { value: 32 }, second);
    after.remove(2, second);
    second.end();
    expect(after.pageDigest(0, digestOf)).toEqual({ high: 41, low: 3 });
    expect(before.pageDigest(0, digestOf)).toEqual({ high: 15, low: 4 });
    expect(read).toEqual([1, 2, 4, 8, 32]);
  });

  it('uses a slot again once its row is gone, the lowest first', () => {
    const table = RowTable.empty<{ readonly at: number }>().fork();
    const token = new EditToken();
    for (let at = 0; at < 200; at++) table.insert({ at }, token);
    for (const slot of [150, 3, 70]) table.remove(slot, token);
    expect([table.insert({ at: 1 }, token), table.insert({ at: 2 }, token)]).toEqual([3, 70]);
    expect(table.size).toBe(199);
    expect([...table.entries()]).toHaveLength(199);
    expect(() => table.row(150)).toThrow(/no row/);
  });
});

describe('an ordered map', () => {
  it('is ordered by its comparer and not by locale', () => {
    const draft = OrderedMap.empty<string, number>(compareStrings).edit(new EditToken());
    for (const [at, key] of ['b', 'Z', 'ä', 'a', 'Ä'].entries()) draft.set(key, at);
    const map = draft.freeze();
    expect([...map.keys()]).toEqual(['Z', 'a', 'b', 'Ä', 'ä']);
    expect([map.firstKey(), map.lastKey()]).toEqual(['Z', 'ä']);
    expect([...map.entriesAfter('b')].map(([key]) => key)).toEqual(['Ä', 'ä']);
  });

  it('never changes once frozen, and its draft cannot be used afterwards', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.tuple(fc.nat({ max: 50 }), fc.boolean()))), (batches) => {
        let map = OrderedMap.empty<number, number>(compareNumbers);
        const model = new Map<number, number>();
        const seen: { readonly map: OrderedMap<number, number>; readonly keys: readonly number[] }[] = [];
        for (const batch of batches) {
          const draft = map.edit(new EditToken());
          for (const [key, isAdded] of batch) {
            const wasThere = model.delete(key);
            const isDeleted = draft.delete(key);
            expect(isDeleted).toBe(wasThere);
            if (!isAdded) continue;
            draft.set(key, key);
            model.set(key, key);
          }
          map = draft.freeze();
          expect(() => draft.set(1, 1)).toThrow(/frozen/);
          seen.push({ map, keys: [...model.keys()].sort(compareNumbers) });
        }
        for (const { map: earlier, keys } of seen) expect([...earlier.keys()]).toEqual(keys);
      }),
    );
  });

  it('goes on in the same tree under the same token, and never in that of another', () => {
    const token = new EditToken();
    const first = OrderedMap.empty<number, number>(compareNumbers).edit(token);
    first.set(1, 1);
    const looked = first.freeze();
    const second = looked.edit(token);
    second.set(2, 2);
    const whole = second.freeze();
    expect([...whole.keys()]).toEqual([1, 2]);
    // The look was at a tree that goes on, as its owner knows.
    expect([...looked.keys()]).toEqual([1, 2]);
    const other = whole.edit(new EditToken());
    other.set(3, 3);
    expect([...other.freeze().keys()]).toEqual([1, 2, 3]);
    expect([...whole.keys()]).toEqual([1, 2]);
  });

  it('is not changed under a token that has ended', () => {
    const token = new EditToken();
    const draft = OrderedMap.empty<number, number>(compareNumbers).edit(token);
    token.end();
    expect(() => draft.set(1, 1)).toThrow(/frozen/);
  });
});

describe('digests and comparers', () => {
  it('tell values, their order and their boundaries apart', () => {
    const digestOf = (take: (hasher: Hasher) => void): string => {
      const hasher = new Hasher();
      take(hasher);
      return digestText(hasher.finish());
    };
    const digests = [
      digestOf(() => {}),
      digestOf((hasher) => hasher.int32(0)),
      digestOf((hasher) => hasher.integer(0)),
      digestOf((hasher) => hasher.integer(2 ** 32)),
      digestOf((hasher) => hasher.integer(-1)),
      digestOf((hasher) => hasher.string('ab')),
      digestOf((hasher) => hasher.string('ba')),
      digestOf((hasher) => {
        hasher.string('a');
        hasher.string('b');
      }),
      digestOf((hasher) => hasher.bytes(Uint8Array.of(0))),
      digestOf((hasher) => hasher.bytes(Uint8Array.of(0, 0))),
      digestOf((hasher) => hasher.bytes(Uint8Array.of(1, 2, 3, 4, 5))),
      digestOf((hasher) => hasher.bytes(Uint8Array.of(5, 2, 3, 4, 1))),
      digestOf((hasher) => hasher.boolean(true)),
      digestOf((hasher) => hasher.boolean(false)),
    ];
    expect(new Set(digests).size).toBe(digests.length);
    for (const text of digests) expect(text).toMatch(/^[0-9a-f]{16}$/);
  });

  it('find every single changed bit of a page', () => {
    const bytes = Uint8Array.from({ length: 97 }, (_, at) => (at * 37) & 255);
    const of = (): string => {
      const hasher = new Hasher();
      hasher.bytes(bytes);
      return digestText(hasher.finish());
    };
    const seen = new Set([of()]);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      seen.add(of());
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    }
    expect(seen.size).toBe(97 * 8 + 1);
  });

  it('add up to the same in any order, and can be used again after a reset', () => {
    const hasher = new Hasher();
    const of = (value: number) => {
      hasher.reset();
      hasher.integer(value);
      return hasher.finish();
    };
    expect(sameDigest(addDigests(of(1), of(2)), addDigests(of(2), of(1)))).toBe(true);
    expect(sameDigest(of(1), of(1))).toBe(true);
  });

  it('order bytes as the checkpoint store does', () => {
    const sorted = [[], [0], [0, 0], [0, 1], [1], [255]].map((bytes) => Uint8Array.from(bytes));
    expect([...sorted].reverse().sort(compareBytes)).toEqual(sorted);
  });
});
