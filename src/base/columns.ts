import { assert, violated } from './assert.ts';
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
 * when there is no row), then the arrays of all rows. A row's arrays: a header with the lengths of the
 * first two, then the lengths of the others if any of them holds something, then the values. A second
 * array that equals the first is not stored (an ISR mostly equals the replicas).
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
  /** How many arrays; at least 2. An array holds at most 255 values. */
  readonly arrays: number;
};

const pageShift = 6;
export const rowsPerPage = 1 << pageShift;
const rowMask = rowsPerPage - 1;
export const arrayLengthMax = 255;

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

const sameAsFirst = 1 << 16;
const hasOthers = 1 << 17;

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
    const length = this.#lengthAt(data, start, array);
    if (length === 0) return noValues;
    const from = this.#valuesAt(data, start, array);
    const values: number[] = [];
    for (let at = 0; at < length; at++) values.push(data[from + at] ?? 0);
    return values;
  }

  arrayLength(slot: number, array: number): number {
    const { data } = this.#live(slot);
    return this.#lengthAt(data, data[(slot & rowMask) * this.#stride] ?? 0, array);
  }

  arrayHas(slot: number, array: number, value: number): boolean {
    const { data } = this.#live(slot);
    const start = data[(slot & rowMask) * this.#stride] ?? 0;
    const from = this.#valuesAt(data, start, array);
    const to = from + this.#lengthAt(data, start, array);
    for (let at = from; at < to; at++) if (data[at] === value) return true;
    return false;
  }

  /** Puts a row into the lowest free slot and says which. */
  insert(columns: readonly number[], arrays: readonly (readonly number[])[], token: EditToken): number {
    const free = this.#free.first();
    const slot = free ?? this.#end;
    this.place(slot, columns, arrays, token);
    return slot;
  }

  /** Puts a row into a given slot that holds none, as loading a checkpoint does. */
  place(
    slot: number,
    columns: readonly number[],
    arrays: readonly (readonly number[])[],
    token: EditToken,
  ): void {
    assertOpen(token);
    if (this.has(slot)) violated(`slot ${slot} is taken`);
    for (let skipped = this.#end; skipped < slot; skipped++) this.#free.add(skipped, token);
    if (slot < this.#end) this.#free.remove(slot, token);
    this.#end = Math.max(this.#end, slot + 1);
    const page = this.#ownedPage(slot >>> pageShift, token);
    page.live++;
    this.#size++;
    this.#write(page, slot & rowMask, columns, arrays);
  }

  update(
    slot: number,
    columns: readonly number[],
    arrays: readonly (readonly number[])[],
    token: EditToken,
  ): void {
    assertOpen(token);
    if (!this.has(slot)) violated(`slot ${slot} holds no row`);
    this.#write(this.#ownedPage(slot >>> pageShift, token), slot & rowMask, columns, arrays);
  }

  remove(slot: number, token: EditToken): void {
    assertOpen(token);
    if (!this.has(slot)) violated(`slot ${slot} holds no row`);
    const page = this.#ownedPage(slot >>> pageShift, token);
    const at = (slot & rowMask) * this.#stride;
    page.wasted += this.#runLength(page.data, page.data[at] ?? 0);
    page.data.fill(0, at, at + this.#stride);
    page.live--;
    page.digest = null;
    page.encodedDigest = null;
    this.#size--;
    this.#free.add(slot, token);
    if (page.live === 0) this.#pages.set(slot >>> pageShift, null, token);
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

  #lengthAt(data: Int32Array, start: number, array: number): number {
    const header = data[start] ?? 0;
    if (array === 0) return header & 255;
    if (array === 1) return (header & sameAsFirst) !== 0 ? header & 255 : (header >>> 8) & 255;
    return (header & hasOthers) !== 0 ? (data[start + array - 1] ?? 0) : 0;
  }

  #valuesAt(data: Int32Array, start: number, array: number): number {
    const header = data[start] ?? 0;
    const first = start + 1 + ((header & hasOthers) !== 0 ? this.layout.arrays - 2 : 0);
    if (array === 0) return first;
    if (array === 1 && (header & sameAsFirst) !== 0) return first;
    let at = first + (header & 255);
    if (array === 1) return at;
    if ((header & sameAsFirst) === 0) at += (header >>> 8) & 255;
    for (let before = 2; before < array; before++) at += this.#lengthAt(data, start, before);
    return at;
  }

  #runLength(data: Int32Array, start: number): number {
    const last = this.layout.arrays - 1;
    if (last === 1) {
      const header = data[start] ?? 0;
      return 1 + (header & 255) + ((header & sameAsFirst) !== 0 ? 0 : (header >>> 8) & 255);
    }
    return this.#valuesAt(data, start, last) + this.#lengthAt(data, start, last) - start;
  }

  #write(
    page: ColumnPage,
    row: number,
    columns: readonly number[],
    arrays: readonly (readonly number[])[],
  ): void {
    assert(columns.length === this.layout.columns, 'a row has every column');
    assert(arrays.length === this.layout.arrays, 'a row has every array');
    const length = runLength(arrays);
    const at = row * this.#stride;
    const before = page.data[at] ?? 0;
    const room = before === 0 ? 0 : this.#runLength(page.data, before);
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
      const taken = this.#runLength(page.data, start);
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

const noValues: readonly number[] = Object.freeze([]);

function othersLength(arrays: readonly (readonly number[])[]): number {
  let length = 0;
  for (let array = 2; array < arrays.length; array++) length += arrays[array]?.length ?? 0;
  return length;
}

/** How many ints a row's arrays take. */
function runLength(arrays: readonly (readonly number[])[]): number {
  for (const array of arrays) {
    if (array.length > arrayLengthMax) violated(`an array holds at most ${arrayLengthMax} values`);
  }
  const first = arrays[0] ?? noValues;
  const second = arrays[1] ?? noValues;
  const others = othersLength(arrays);
  const lengths = others > 0 ? arrays.length - 2 : 0;
  return 1 + lengths + first.length + (sameValues(first, second) ? 0 : second.length) + others;
}

function writeRun(data: Int32Array, start: number, arrays: readonly (readonly number[])[]): void {
  const first = arrays[0] ?? noValues;
  const second = arrays[1] ?? noValues;
  const same = sameValues(first, second);
  const more = othersLength(arrays) > 0;
  data[start] = first.length | (same ? sameAsFirst : second.length << 8) | (more ? hasOthers : 0);
  let at = start + 1;
  if (more) {
    for (let array = 2; array < arrays.length; array++) data[at++] = arrays[array]?.length ?? 0;
  }
  for (let array = 0; array < arrays.length; array++) {
    if (array === 1 && same) continue;
    const values = arrays[array] ?? noValues;
    for (let index = 0; index < values.length; index++) data[at++] = values[index] ?? 0;
  }
}

function sameValues(left: readonly number[], right: readonly number[]): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false;
  return true;
}
