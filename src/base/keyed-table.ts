import { assert } from './assert.ts';
import type { Comparer } from './compare.ts';
import type { EditToken } from './edit-token.ts';
import { OrderedMap, type OrderedMapDraft } from './ordered-map.ts';
import { RowTable } from './row-table.ts';

/**
 * Frozen rows by key, in key order: a `RowTable` and the index over it. A snapshot is O(1); the draft
 * copies what it changes.
 *
 * Invariant: `index` holds exactly the keys of the rows, each with its slot.
 */
export class KeyedTable<Key, Row extends object> {
  readonly rows: RowTable<Row>;
  readonly #index: OrderedMap<Key, number>;

  constructor(rows: RowTable<Row>, index: OrderedMap<Key, number>) {
    this.rows = rows;
    this.#index = index;
  }

  static empty<Key, Row extends object>(comparer: Comparer<Key>): KeyedTable<Key, Row> {
    return new KeyedTable(RowTable.empty<Row>(), OrderedMap.empty<Key, number>(comparer));
  }

  get size(): number {
    return this.rows.size;
  }

  get(key: Key): Row | null {
    const slot = this.#index.get(key);
    return slot === undefined ? null : this.rows.row(slot);
  }

  slotOf(key: Key): number | null {
    return this.#index.get(key) ?? null;
  }

  /** In key order, from the first key that is not below `from`. */
  *values(from?: Key): IterableIterator<Row> {
    for (const [, slot] of this.#index.entries(from)) yield this.rows.row(slot);
  }

  /** In key order, from the first key above `key`. */
  *valuesAfter(key: Key): IterableIterator<Row> {
    for (const [, slot] of this.#index.entriesAfter(key)) yield this.rows.row(slot);
  }

  edit(token: EditToken): KeyedTableDraft<Key, Row> {
    return new KeyedTableDraft(this.rows.fork(), this.#index.edit(token), token);
  }
}

export class KeyedTableDraft<Key, Row extends object> {
  readonly #rows: RowTable<Row>;
  readonly #index: OrderedMapDraft<Key, number>;
  readonly #token: EditToken;

  constructor(rows: RowTable<Row>, index: OrderedMapDraft<Key, number>, token: EditToken) {
    this.#rows = rows;
    this.#index = index;
    this.#token = token;
  }

  get size(): number {
    return this.#rows.size;
  }

  get(key: Key): Row | null {
    const slot = this.#index.get(key);
    return slot === undefined ? null : this.#rows.row(slot);
  }

  slotOf(key: Key): number | null {
    return this.#index.get(key) ?? null;
  }

  row(slot: number): Row {
    return this.#rows.row(slot);
  }

  hasSlot(slot: number): boolean {
    return this.#rows.get(slot) !== null;
  }

  /** In key order, from the first key that is not below `from`. */
  *values(from?: Key): IterableIterator<Row> {
    for (const [, slot] of this.#index.entries(from)) yield this.#rows.row(slot);
  }

  /** The row of the first key that is not below `from`. */
  firstFrom(from: Key): Row | null {
    const first = this.#index.firstFrom(from);
    return first === undefined ? null : this.#rows.row(first[1]);
  }

  /** Inserts or replaces; the slot is the row's place. */
  set(key: Key, row: Row): number {
    const slot = this.#index.get(key);
    if (slot !== undefined) {
      this.#rows.update(slot, row, this.#token);
      return slot;
    }
    const made = this.#rows.insert(row, this.#token);
    this.#index.set(key, made);
    return made;
  }

  /** Puts a row where a checkpoint had it. */
  place(slot: number, key: Key, row: Row): void {
    assert(!this.#index.has(key), 'a checkpoint holds each key once');
    this.#rows.place(slot, row, this.#token);
    this.#index.set(key, slot);
  }

  /** True when the key was there. */
  delete(key: Key): boolean {
    const slot = this.#index.get(key);
    if (slot === undefined) return false;
    this.#rows.remove(slot, this.#token);
    this.#index.delete(key);
    return true;
  }

  /** What stands now, live: it shows every later change of this draft, too. */
  look(): KeyedTable<Key, Row> {
    return new KeyedTable(this.#rows, this.#index.look());
  }

  freeze(): KeyedTable<Key, Row> {
    return new KeyedTable(this.#rows, this.#index.freeze());
  }
}
