import { assert, violated } from './assert.ts';
import {
  type Arrays,
  isRun,
  lengthInRun,
  noValues,
  runLength,
  storedRunLength,
  valuesInRun,
  writeRun,
} from './column-runs.ts';
import { type Digest, zeroDigest } from './digest.ts';
import { assertOpen, type EditToken } from './edit-token.ts';
import { PageDirectory } from './page-directory.ts';
import { SlotSet } from './slot-set.ts';

/**
 * Rows of int32 columns and small int32 arrays, for kinds of which there are millions (design 12). Rows
 * live in pages of 64; a page is ONE typed array, so that neither rows nor pages give the garbage
 * collector anything to trace, and copying a page is one memory copy.
 *
 * A page's array: for each of its rows `1 + columns` ints (the first says where the row's arrays begin, 0
 * when there is no row), then the arrays of all rows, each row's as a run (see `column-runs.ts`).
 *
 * Invariants
 * 1. A page is changed in place only under the token that made it.
 * 2. `free` holds every slot below `end` that has no row; the lowest is used first, so that the place of a
 *    row follows from the rows before it.
 * 3. A page's digest, when known, is that of its present rows.
 */
export type ColumnLayout = {
  /** How many int32 columns. */
  readonly columns: number;
  /** How many arrays; at least 2. An array holds at most `arrayLengthMax` values. */
  readonly arrays: number;
};

const pageShift = 6;
export const rowsPerPage = 1 << pageShift;
const rowMask = rowsPerPage - 1;

export type ColumnPage = {
  readonly owner: EditToken | null;
  data: Int32Array;
  /** Ints in use; beyond it is room to grow. */
  end: number;
  live: number;
  /** Ints of arrays that no row refers to any more. */
  wasted: number;
  digest: Digest | null;
  /** Digest of the page as encoded for a checkpoint, kept by whoever encodes it. */
  encodedDigest: Digest | null;
};

export class Columns {
  readonly layout: ColumnLayout;
  readonly #pages: PageDirectory<ColumnPage>;
  readonly #free: SlotSet;
  readonly #stride: number;
  #end: number;
  #size: number;

  private constructor(
    layout: ColumnLayout,
    pages: PageDirectory<ColumnPage>,
    free: SlotSet,
    end: number,
    size: number,
  ) {
    this.layout = layout;
    this.#pages = pages;
    this.#free = free;
    this.#stride = layout.columns + 1;
    this.#end = end;
    this.#size = size;
  }

  static empty(layout: ColumnLayout): Columns {
    assert(layout.columns >= 1, 'a layout has columns');
    assert(layout.arrays >= 2, 'a layout has at least two arrays');
    return new Columns(layout, PageDirectory.empty(), SlotSet.empty, 0, 0);
  }

  /** How many rows. */
  get size(): number {
    return this.#size;
  }

  /** One above the highest slot ever used. */
  get end(): number {
    return this.#end;
  }

  get pageCount(): number {
    return this.#pages.pageCount;
  }

  page(index: number): ColumnPage | null {
    return this.#pages.get(index);
  }

  /** O(1). The copy is changed under a token of its own; this one then never changes again. */
  fork(): Columns {
    return new Columns(this.layout, this.#pages.fork(), this.#free.fork(), this.#end, this.#size);
  }

  has(slot: number): boolean {
    const page = this.#pages.get(slot >>> pageShift);
    return page !== null && (page.data[(slot & rowMask) * this.#stride] ?? 0) !== 0;
  }

  column(slot: number, column: number): number {
    return this.#live(slot).data[(slot & rowMask) * this.#stride + 1 + column] ?? 0;
  }

  array(slot: number, array: number): readonly number[] {
    const { data } = this.#live(slot);
    const start = data[(slot & rowMask) * this.#stride] ?? 0;
    const length = lengthInRun(data, start, array);
    if (length === 0) return noValues;
    const from = valuesInRun(data, start, array, this.layout.arrays);
    const values: number[] = [];
    for (let at = 0; at < length; at++) values.push(data[from + at] ?? 0);
    return values;
  }

  arrayLength(slot: number, array: number): number {
    const { data } = this.#live(slot);
    return lengthInRun(data, data[(slot & rowMask) * this.#stride] ?? 0, array);
  }

  arrayHas(slot: number, array: number, value: number): boolean {
    const { data } = this.#live(slot);
    const start = data[(slot & rowMask) * this.#stride] ?? 0;
    const from = valuesInRun(data, start, array, this.layout.arrays);
    const to = from + lengthInRun(data, start, array);
    for (let at = from; at < to; at++) if (data[at] === value) return true;
    return false;
  }

  /** Puts a row into the lowest free slot and says which. */
  insert(columns: readonly number[], arrays: Arrays, token: EditToken): number {
    assertOpen(token);
    const free = this.#free.first();
    const slot = free ?? this.#end;
    if (free === null) this.#end++;
    else this.#free.remove(free, token);
    const page = this.#ownedPage(slot >>> pageShift, token);
    page.live++;
    this.#size++;
    this.#write(page, slot & rowMask, columns, arrays);
    return slot;
  }

  update(slot: number, columns: readonly number[], arrays: Arrays, token: EditToken): void {
    assertOpen(token);
    if (!this.has(slot)) violated(`slot ${slot} holds no row`);
    this.#write(this.#ownedPage(slot >>> pageShift, token), slot & rowMask, columns, arrays);
  }

  remove(slot: number, token: EditToken): void {
    assertOpen(token);
    if (!this.has(slot)) violated(`slot ${slot} holds no row`);
    const page = this.#ownedPage(slot >>> pageShift, token);
    const at = (slot & rowMask) * this.#stride;
    page.wasted += storedRunLength(page.data, page.data[at] ?? 0, this.layout.arrays);
    page.data.fill(0, at, at + this.#stride);
    page.live--;
    page.digest = null;
    page.encodedDigest = null;
    this.#size--;
    this.#free.add(slot, token);
    if (page.live === 0) this.#pages.set(slot >>> pageShift, null, token);
  }

  /**
   * A page as ints that follow from its rows alone: `place, columns…, arrays…` for each, in order, the
   * arrays as described above. Null when the page holds no row.
   */
  exportPage(index: number): Int32Array | null {
    const page = this.#pages.get(index);
    if (page === null) return null;
    const { data } = page;
    const ints = new Int32Array(
      page.live * this.#stride + page.end - rowsPerPage * this.#stride - page.wasted,
    );
    let at = 0;
    for (let row = 0; row < rowsPerPage; row++) {
      const from = row * this.#stride;
      const start = data[from] ?? 0;
      if (start === 0) continue;
      ints.set(data.subarray(from, from + this.#stride), at);
      ints[at] = row;
      at += this.#stride;
      const length = storedRunLength(data, start, this.layout.arrays);
      ints.set(data.subarray(start, start + length), at);
      at += length;
    }
    assert(at === ints.length, 'a page knows how much its rows take');
    return ints;
  }

  /**
   * Takes in an exported page; pages come in order of their indexes. False, and nothing is changed, when no
   * page is exported as these ints.
   */
  importPage(index: number, ints: Int32Array, token: EditToken): boolean {
    assertOpen(token);
    const first = index * rowsPerPage;
    assert(this.#end <= first, 'pages are taken in in order');
    const live = this.#countExportedRows(ints);
    if (live === null || live === 0) return false;
    const fixed = rowsPerPage * this.#stride;
    const data = new Int32Array(fixed + ints.length - live * this.#stride);
    let end = fixed;
    let last = -1;
    for (let at = 0; at < ints.length; ) {
      const row = ints[at] ?? 0;
      const length = storedRunLength(ints, at + this.#stride, this.layout.arrays);
      data.set(ints.subarray(at, at + this.#stride), row * this.#stride);
      data[row * this.#stride] = end;
      data.set(ints.subarray(at + this.#stride, at + this.#stride + length), end);
      end += length;
      at += this.#stride + length;
      for (let free = last + 1; free < row; free++) this.#free.add(first + free, token);
      last = row;
    }
    // Slots before this page that no page has held since are free.
    for (let free = this.#end; free < first; free++) this.#free.add(free, token);
    this.#end = first + last + 1;
    this.#size += live;
    this.#pages.set(
      index,
      { owner: token, data, end, live, wasted: 0, digest: null, encodedDigest: null },
      token,
    );
    return true;
  }

  /** How many rows exported ints hold; null when they are no page. */
  #countExportedRows(ints: Int32Array): number | null {
    let rows = 0;
    let last = -1;
    for (let at = 0; at < ints.length; rows++) {
      const row = ints[at] ?? -1;
      if (row <= last || row >= rowsPerPage) return null;
      last = row;
      const start = at + this.#stride;
      if (!isRun(ints, start, this.layout.arrays)) return null;
      at = start + storedRunLength(ints, start, this.layout.arrays);
      if (at > ints.length) return null;
    }
    return rows;
  }

  /** The slots of a page that hold rows, in order. */
  *slotsOfPage(index: number): Generator<number, void, undefined> {
    const page = this.#pages.get(index);
    if (page === null) return;
    for (let row = 0; row < rowsPerPage; row++) {
      if ((page.data[row * this.#stride] ?? 0) !== 0) yield index * rowsPerPage + row;
    }
  }

  /** All slots that hold rows, in order, from `from` on. */
  *slots(from = 0): Generator<number, void, undefined> {
    for (let index = from >>> pageShift; index < this.pageCount; index++) {
      for (const slot of this.slotsOfPage(index)) if (slot >= from) yield slot;
    }
  }

  /** The page's digest, computed by `make` when it is not known yet. */
  pageDigest(index: number, make: (columns: Columns, index: number) => Digest): Digest {
    const page = this.#pages.get(index);
    if (page === null) return zeroDigest;
    page.digest ??= make(this, index);
    return page.digest;
  }

  #live(slot: number): ColumnPage {
    const page = this.#pages.get(slot >>> pageShift);
    if (page === null) violated(`slot ${slot} holds no row`);
    if (page.data[(slot & rowMask) * this.#stride] === 0) violated(`slot ${slot} holds no row`);
    return page;
  }

  #ownedPage(index: number, token: EditToken): ColumnPage {
    const page = this.#pages.get(index);
    if (page !== null && page.owner === token) return page;
    const fixed = rowsPerPage * this.#stride;
    const copy: ColumnPage =
      page === null
        ? emptyPage(token, fixed)
        : {
            owner: token,
            data: page.data.slice(),
            end: page.end,
            live: page.live,
            wasted: page.wasted,
            digest: null,
            encodedDigest: null,
          };
    this.#pages.set(index, copy, token);
    return copy;
  }

  #write(page: ColumnPage, row: number, columns: readonly number[], arrays: Arrays): void {
    assert(columns.length === this.layout.columns, 'a row has every column');
    assert(arrays.length === this.layout.arrays, 'a row has every array');
    const length = runLength(arrays);
    const at = row * this.#stride;
    const before = page.data[at] ?? 0;
    const room = before === 0 ? 0 : storedRunLength(page.data, before, this.layout.arrays);
    let start = before;
    if (room !== length) {
      page.data[at] = 0;
      page.wasted += room;
      this.#makeRoom(page, length);
      start = page.end;
      page.end += length;
      page.data[at] = start;
    }
    writeRun(page.data, start, arrays);
    for (let column = 0; column < columns.length; column++) page.data[at + 1 + column] = columns[column] ?? 0;
    page.digest = null;
    page.encodedDigest = null;
  }

  /** Room for `length` more ints at the page's end: by closing gaps when they are many, else by growing. */
  #makeRoom(page: ColumnPage, length: number): void {
    if (page.end + length <= page.data.length) return;
    const fixed = rowsPerPage * this.#stride;
    const used = page.end - fixed - page.wasted;
    const capacity = Math.max(rowsPerPage, used + length + (used >>> 2));
    const data = new Int32Array(fixed + capacity);
    data.set(page.data.subarray(0, fixed));
    let end = fixed;
    for (let row = 0; row < rowsPerPage; row++) {
      const start = data[row * this.#stride] ?? 0;
      if (start === 0) continue;
      const taken = storedRunLength(page.data, start, this.layout.arrays);
      data.set(page.data.subarray(start, start + taken), end);
      data[row * this.#stride] = end;
      end += taken;
    }
    page.data = data;
    page.end = end;
    page.wasted = 0;
  }
}

function emptyPage(owner: EditToken, fixed: number): ColumnPage {
  const data = new Int32Array(fixed + rowsPerPage);
  return { owner, data, end: fixed, live: 0, wasted: 0, digest: null, encodedDigest: null };
}
