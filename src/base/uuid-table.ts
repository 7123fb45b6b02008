import { assert, violated } from './assert.ts';
import type { Uuid } from './brands.ts';
import { compareNumbers, compareStrings } from './compare.ts';
import type { EditToken } from './edit-token.ts';
import { OrderedMap, type OrderedMapDraft } from './ordered-map.ts';
import { RowTable } from './row-table.ts';
import { prefixOf } from './uuid.ts';

/**
 * Frozen rows by an id of theirs that is random, in the order of their slots: a `RowTable` and an index over
 * the first 30 bits of the ids. Numbers stand in the index's own memory, where each of the fifteen texts that
 * a search among texts compares is a trip to somewhere else; random ids have no order that anyone wants.
 *
 * Invariants
 * 1. Each row is named once: by `#index`, at its id's prefix, or by `#clashes`, at its id.
 * 2. `#clashes` names a row only while `#index` names another row of the same prefix.
 */
export class UuidTable<Row extends object> {
  readonly rows: RowTable<Row>;
  readonly #idOf: (row: Row) => Uuid;
  readonly #index: OrderedMap<number, number>;
  readonly #clashes: OrderedMap<Uuid, number>;

  constructor(
    rows: RowTable<Row>,
    idOf: (row: Row) => Uuid,
    index: OrderedMap<number, number>,
    clashes: OrderedMap<Uuid, number>,
  ) {
    this.rows = rows;
    this.#idOf = idOf;
    this.#index = index;
    this.#clashes = clashes;
  }

  static empty<Row extends object>(idOf: (row: Row) => Uuid): UuidTable<Row> {
    const index = OrderedMap.empty<number, number>(compareNumbers);
    return new UuidTable(RowTable.empty<Row>(), idOf, index, OrderedMap.empty<Uuid, number>(compareStrings));
  }

  get size(): number {
    return this.rows.size;
  }

  get(id: Uuid): Row | null {
    const slot = this.slotOf(id);
    return slot === null ? null : this.rows.row(slot);
  }

  slotOf(id: Uuid): number | null {
    return slotIn({ rows: this.rows, idOf: this.#idOf, index: this.#index, clashes: this.#clashes }, id);
  }

  /** In the order of their slots. */
  *values(): IterableIterator<Row> {
    for (const [, row] of this.rows.entries()) yield row;
  }

  edit(token: EditToken): UuidTableDraft<Row> {
    const { rows } = this;
    const index = this.#index.edit(token);
    const clashes = this.#clashes.edit(token);
    return new UuidTableDraft({ rows: rows.fork(), idOf: this.#idOf, index, clashes }, token);
  }
}

type Parts<Row extends object> = {
  readonly rows: RowTable<Row>;
  readonly idOf: (row: Row) => Uuid;
  readonly index: OrderedMapDraft<number, number>;
  readonly clashes: OrderedMapDraft<Uuid, number>;
};

export class UuidTableDraft<Row extends object> {
  readonly #parts: Parts<Row>;
  readonly #token: EditToken;

  constructor(parts: Parts<Row>, token: EditToken) {
    this.#parts = parts;
    this.#token = token;
  }

  slotOf(id: Uuid): number | null {
    return slotIn(this.#parts, id);
  }

  row(slot: number): Row {
    return this.#parts.rows.row(slot);
  }

  hasSlot(slot: number): boolean {
    return this.#parts.rows.get(slot) !== null;
  }

  /** Inserts a row and gives its slot. Its id must be new. */
  add(id: Uuid, row: Row): number {
    const slot = this.#parts.rows.insert(row, this.#token);
    this.#name(id, slot);
    return slot;
  }

  /** Puts a row where a checkpoint had it. */
  place(slot: number, id: Uuid, row: Row): void {
    this.#parts.rows.place(slot, row, this.#token);
    this.#name(id, slot);
  }

  /** The id must be there. */
  delete(id: Uuid): void {
    const { rows, index, clashes } = this.#parts;
    const slot = this.slotOf(id);
    assert(slot !== null, 'only a row that is there is deleted');
    if (clashes.size === 0) index.delete(prefixOf(id));
    else if (!clashes.delete(id)) this.#promote(prefixOf(id));
    rows.remove(slot, this.#token);
  }

  /** What stands now, live: it shows every later change of this draft, too. */
  look(): UuidTable<Row> {
    const { rows, idOf, index, clashes } = this.#parts;
    return new UuidTable(rows, idOf, index.look(), clashes.look());
  }

  freeze(): UuidTable<Row> {
    const { rows, idOf, index, clashes } = this.#parts;
    return new UuidTable(rows, idOf, index.freeze(), clashes.freeze());
  }

  #name(id: Uuid, slot: number): void {
    const { index, clashes } = this.#parts;
    if (index.add(prefixOf(id), slot)) return;
    if (this.#isIndexed(id) || !clashes.add(id, slot)) violated(`the id ${id} is used twice`);
  }

  #isIndexed(id: Uuid): boolean {
    const { rows, idOf, index } = this.#parts;
    const slot = index.get(prefixOf(id));
    return slot !== undefined && idOf(rows.row(slot)) === id;
  }

  /** The row that the index named at `prefix` goes; another one of that prefix takes its place. */
  #promote(prefix: number): void {
    const { index, clashes } = this.#parts;
    for (const [id, slot] of clashes.entries()) {
      if (prefixOf(id) !== prefix) continue;
      index.set(prefix, slot);
      clashes.delete(id);
      return;
    }
    index.delete(prefix);
  }
}

type Readable<Row extends object> = {
  readonly rows: RowTable<Row>;
  readonly idOf: (row: Row) => Uuid;
  readonly index: { get(prefix: number): number | undefined };
  readonly clashes: { readonly size: number; get(id: Uuid): number | undefined };
};

function slotIn<Row extends object>({ rows, idOf, index, clashes }: Readable<Row>, id: Uuid): number | null {
  const slot = index.get(prefixOf(id));
  if (slot === undefined) return null;
  if (idOf(rows.row(slot)) === id) return slot;
  return clashes.size === 0 ? null : (clashes.get(id) ?? null);
}
