import { violated } from './assert.ts';
import { addDigests, type Digest, zeroDigest } from './digest.ts';
import { assertOpen, type EditToken } from './edit-token.ts';
import { PageDirectory } from './page-directory.ts';
import { SlotSet } from './slot-set.ts';

/**
 * Frozen rows in numbered slots, in pages of 64 that are copied on write: the place of rows of ordinary
 * kinds (design 12). Indexes by key are `OrderedMap`s from key to slot, kept beside it.
 *
 * Invariants: those of `Columns`, 1 to 3.
 */
export type RowPage<Row> = {
  readonly owner: EditToken | null;
  readonly rows: (Row | null)[];
  live: number;
  /** Digest of each row, once it was asked for: a change of one row makes nobody read the others again. */
  readonly rowDigests: (Digest | null)[];
  digest: Digest | null;
  /** Digest of the page as encoded for a checkpoint, kept by whoever encodes it. */
  encodedDigest: Digest | null;
};

export const rowsPerRowPage = 64;

export class RowTable<Row extends object> {
  readonly #pages: PageDirectory<RowPage<Row>>;
  readonly #free: SlotSet;
  #end: number;
  #size: number;

  private constructor(pages: PageDirectory<RowPage<Row>>, free: SlotSet, end: number, size: number) {
    this.#pages = pages;
    this.#free = free;
    this.#end = end;
    this.#size = size;
  }

  static empty<Row extends object>(): RowTable<Row> {
    return new RowTable<Row>(PageDirectory.empty(), SlotSet.empty, 0, 0);
  }

  get size(): number {
    return this.#size;
  }

  get pageCount(): number {
    return this.#pages.pageCount;
  }

  page(index: number): RowPage<Row> | null {
    return this.#pages.get(index);
  }

  /** O(1). The copy is changed under a token of its own; this one then never changes again. */
  fork(): RowTable<Row> {
    return new RowTable(this.#pages.fork(), this.#free.fork(), this.#end, this.#size);
  }

  get(slot: number): Row | null {
    return this.#pages.get(slot >>> 6)?.rows[slot & 63] ?? null;
  }

  /** The row of a slot that an index names. */
  row(slot: number): Row {
    const row = this.get(slot);
    if (row === null) violated(`slot ${slot} holds no row`);
    return row;
  }

  /** Puts a row into the lowest free slot and says which. */
  insert(row: Row, token: EditToken): number {
    const slot = this.#free.first() ?? this.#end;
    this.place(slot, row, token);
    return slot;
  }

  /** Puts a row into a given slot that holds none, as loading a checkpoint does. */
  place(slot: number, row: Row, token: EditToken): void {
    assertOpen(token);
    if (this.get(slot) !== null) violated(`slot ${slot} is taken`);
    for (let skipped = this.#end; skipped < slot; skipped++) this.#free.add(skipped, token);
    if (slot < this.#end) this.#free.remove(slot, token);
    this.#end = Math.max(this.#end, slot + 1);
    const page = this.#ownedPage(slot >>> 6, token);
    page.rows[slot & 63] = Object.freeze(row);
    page.rowDigests[slot & 63] = null;
    page.live++;
    this.#size++;
  }

  update(slot: number, row: Row, token: EditToken): void {
    assertOpen(token);
    if (this.get(slot) === null) violated(`slot ${slot} holds no row`);
    const page = this.#ownedPage(slot >>> 6, token);
    page.rows[slot & 63] = Object.freeze(row);
    page.rowDigests[slot & 63] = null;
  }

  remove(slot: number, token: EditToken): void {
    assertOpen(token);
    if (this.get(slot) === null) violated(`slot ${slot} holds no row`);
    const page = this.#ownedPage(slot >>> 6, token);
    page.rows[slot & 63] = null;
    page.rowDigests[slot & 63] = null;
    page.live--;
    this.#size--;
    this.#free.add(slot, token);
    if (page.live === 0) this.#pages.set(slot >>> 6, null, token);
  }

  /** Every slot that holds a row, with the row, in order of slots. */
  *entries(): Generator<readonly [number, Row], void, undefined> {
    for (let index = 0; index < this.pageCount; index++) {
      const page = this.#pages.get(index);
      if (page === null) continue;
      for (let at = 0; at < rowsPerRowPage; at++) {
        const row = page.rows[at] ?? null;
        if (row !== null) yield [index * rowsPerRowPage + at, row];
      }
    }
  }

  /** The sum of the digests of the page's rows. */
  pageDigest(index: number, digestOf: (row: Row) => Digest): Digest {
    const page = this.#pages.get(index);
    if (page === null) return zeroDigest;
    page.digest ??= sumOfRows(page, digestOf);
    return page.digest;
  }

  #ownedPage(index: number, token: EditToken): RowPage<Row> {
    const page = this.#pages.get(index);
    if (page !== null && page.owner === token) {
      page.digest = null;
      page.encodedDigest = null;
      return page;
    }
    const copy: RowPage<Row> = {
      owner: token,
      rows: page === null ? nothingInEachSlot() : page.rows.slice(),
      live: page?.live ?? 0,
      rowDigests: page === null ? nothingInEachSlot() : page.rowDigests.slice(),
      digest: null,
      encodedDigest: null,
    };
    this.#pages.set(index, copy, token);
    return copy;
  }
}

function nothingInEachSlot(): null[] {
  return Array.from<null>({ length: rowsPerRowPage }).fill(null);
}

function sumOfRows<Row>({ rows, rowDigests }: RowPage<Row>, digestOf: (row: Row) => Digest): Digest {
  let sum = zeroDigest;
  for (let at = 0; at < rowsPerRowPage; at++) {
    const row = rows[at] ?? null;
    if (row === null) continue;
    const digest = (rowDigests[at] ??= digestOf(row));
    sum = addDigests(sum, digest);
  }
  return sum;
}
