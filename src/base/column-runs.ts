import { violated } from './assert.ts';

/**
 * A run: the arrays of one row of `Columns`, as ints within a page.
 *
 * A header with the lengths of the first two arrays; then, if any of the others holds something, their
 * lengths; then the values of all. A second array that equals the first is not stored: an ISR mostly
 * equals the replicas.
 */
export const arrayLengthMax = 255;

const sameAsFirst = 1 << 16;
const hasOthers = 1 << 17;
const headerBits = 0xffff | sameAsFirst | hasOthers;

export type Arrays = readonly (readonly number[])[];

export const noValues: readonly number[] = Object.freeze([]);

/** How many ints the run of these arrays takes. */
export function runLength(arrays: Arrays): number {
  for (const array of arrays) {
    if (array.length > arrayLengthMax) violated(`an array holds at most ${arrayLengthMax} values`);
  }
  const first = arrays[0] ?? noValues;
  const second = arrays[1] ?? noValues;
  const others = othersLength(arrays);
  const lengths = others > 0 ? arrays.length - 2 : 0;
  return 1 + lengths + first.length + (sameValues(first, second) ? 0 : second.length) + others;
}

export function writeRun(data: Int32Array, start: number, arrays: Arrays): void {
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

/** Length of one array of the run at `start`. */
export function lengthInRun(data: Int32Array, start: number, array: number): number {
  const header = data[start] ?? 0;
  if (array === 0) return header & 255;
  if (array === 1) return (header & sameAsFirst) !== 0 ? header & 255 : (header >>> 8) & 255;
  return (header & hasOthers) !== 0 ? (data[start + array - 1] ?? 0) : 0;
}

/** Where the values of one array begin, of the run at `start`; `arrayCount` is the layout's. */
export function valuesInRun(data: Int32Array, start: number, array: number, arrayCount: number): number {
  const header = data[start] ?? 0;
  const first = start + 1 + ((header & hasOthers) !== 0 ? arrayCount - 2 : 0);
  if (array === 0) return first;
  if (array === 1 && (header & sameAsFirst) !== 0) return first;
  let at = first + (header & 255);
  if (array === 1) return at;
  if ((header & sameAsFirst) === 0) at += (header >>> 8) & 255;
  for (let before = 2; before < array; before++) at += lengthInRun(data, start, before);
  return at;
}

/** How many ints the run at `start` takes. */
export function storedRunLength(data: Int32Array, start: number, arrayCount: number): number {
  const header = data[start] ?? 0;
  if (arrayCount === 2 || (header & hasOthers) === 0) {
    return 1 + (header & 255) + ((header & sameAsFirst) !== 0 ? 0 : (header >>> 8) & 255);
  }
  const last = arrayCount - 1;
  return valuesInRun(data, start, last, arrayCount) + lengthInRun(data, start, last) - start;
}

/** Whether a run may begin at `start`: its lengths are such as arrays have. */
export function isRun(data: Int32Array, start: number, arrayCount: number): boolean {
  if (start >= data.length) return false;
  const header = data[start] ?? 0;
  if ((header & ~headerBits) !== 0) return false;
  if ((header & hasOthers) === 0) return true;
  for (let array = 2; array < arrayCount; array++) {
    const length = data[start + array - 1] ?? -1;
    if (length < 0 || length > arrayLengthMax) return false;
  }
  return true;
}

function othersLength(arrays: Arrays): number {
  let length = 0;
  for (let array = 2; array < arrays.length; array++) length += arrays[array]?.length ?? 0;
  return length;
}

function sameValues(left: readonly number[], right: readonly number[]): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false;
  return true;
}
