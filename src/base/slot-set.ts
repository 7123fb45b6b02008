import { assert, violated } from './assert.ts';
import { assertOpen, type EditToken } from './edit-token.ts';

/**
 * A persistent, ordered set of non-negative int32 in chunks of typed arrays: 4 bytes a member, nothing for
 * the garbage collector to trace. A snapshot shares all chunks; a change copies one chunk and the list of
 * chunks, each at most once per token.
 *
 * Invariants
 * 1. No chunk is empty; members ascend strictly within a chunk and from chunk to chunk.
 * 2. A chunk or list is changed in place only under the token that made it.
 */
type Chunk = { readonly owner: EditToken | null; values: Int32Array; length: number };
type Root = { readonly owner: EditToken | null; readonly chunks: Chunk[] };

const chunkMax = 512;
const emptyRoot: Root = Object.freeze({ owner: null, chunks: [] });

export class SlotSet {
  #root: Root;
  #size: number;

  private constructor(root: Root, size: number) {
    this.#root = root;
    this.#size = size;
  }

  static readonly empty: SlotSet = new SlotSet(emptyRoot, 0);

  get size(): number {
    return this.#size;
  }

  fork(): SlotSet {
    return new SlotSet(this.#root, this.#size);
  }

  has(value: number): boolean {
    const chunk = this.#root.chunks[this.#chunkFor(value)];
    if (chunk === undefined) return false;
    return chunk.values[position(chunk, value)] === value && position(chunk, value) < chunk.length;
  }

  first(): number | null {
    return this.#root.chunks[0]?.values[0] ?? null;
  }

  /** Members in order, from the first that is at least `from`. */
  *valuesFrom(from: number): Generator<number, void, undefined> {
    const { chunks } = this.#root;
    for (let at = this.#chunkFor(from); at < chunks.length; at++) {
      const chunk = chunks[at];
      assert(chunk !== undefined, 'chunk within bounds');
      const start = position(chunk, from);
      for (let index = start; index < chunk.length; index++) yield chunk.values[index] ?? 0;
    }
  }

  /** The first member that is at least `from`, or null. */
  next(from: number): number | null {
    const { chunks } = this.#root;
    for (let at = this.#chunkFor(from); at < chunks.length; at++) {
      const chunk = chunks[at];
      assert(chunk !== undefined, 'chunk within bounds');
      const index = position(chunk, from);
      if (index < chunk.length) return chunk.values[index] ?? null;
    }
    return null;
  }

  /** False when it was there already. */
  add(value: number, token: EditToken): boolean {
    assertOpen(token);
    if (value < 0 || (value | 0) !== value) violated(`a slot is a non-negative int32, not ${value}`);
    const chunks = this.#ownedChunks(token);
    const at = this.#chunkFor(value);
    const found = chunks[at];
    if (found === undefined) {
      chunks.push(chunkOf(token, [value]));
      this.#size++;
      return true;
    }
    const index = position(found, value);
    if (index < found.length && found.values[index] === value) return false;
    this.#size++;
    if (found.length < chunkMax) {
      insert(this.#ownedChunk(chunks, at, token), index, value);
      return true;
    }
    // Values mostly come in ascending order, so a value past the last chunk begins a new one and leaves
    // the full one full.
    if (index === found.length && at === chunks.length - 1) {
      chunks.push(chunkOf(token, [value]));
      return true;
    }
    this.#split(chunks, at, token);
    const half = chunks[this.#chunkFor(value)];
    assert(half !== undefined, 'a split leaves two chunks');
    insert(half, position(half, value), value);
    return true;
  }

  /** False when it was not there. */
  remove(value: number, token: EditToken): boolean {
    assertOpen(token);
    const at = this.#chunkFor(value);
    const found = this.#root.chunks[at];
    if (found === undefined) return false;
    const index = position(found, value);
    if (index >= found.length || found.values[index] !== value) return false;
    const chunks = this.#ownedChunks(token);
    this.#size--;
    if (found.length === 1) {
      chunks.splice(at, 1);
      return true;
    }
    const chunk = this.#ownedChunk(chunks, at, token);
    chunk.values.copyWithin(index, index + 1, chunk.length);
    chunk.length--;
    return true;
  }

  /** The chunk that holds `value` or would take it: the last whose first member is not above it. */
  #chunkFor(value: number): number {
    const { chunks } = this.#root;
    let low = 0;
    let high = chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((chunks[middle]?.values[0] ?? 0) <= value) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #ownedChunks(token: EditToken): Chunk[] {
    if (this.#root.owner !== token) this.#root = { owner: token, chunks: this.#root.chunks.slice() };
    return this.#root.chunks;
  }

  #ownedChunk(chunks: Chunk[], at: number, token: EditToken): Chunk {
    const chunk = chunks[at];
    assert(chunk !== undefined, 'chunk within bounds');
    if (chunk.owner === token) return chunk;
    const copy = { owner: token, values: chunk.values.slice(), length: chunk.length };
    chunks[at] = copy;
    return copy;
  }

  #split(chunks: Chunk[], at: number, token: EditToken): void {
    const chunk = chunks[at];
    assert(chunk !== undefined, 'chunk within bounds');
    const middle = chunk.length >>> 1;
    const left = chunkOf(token, chunk.values.subarray(0, middle));
    const right = chunkOf(token, chunk.values.subarray(middle, chunk.length));
    chunks.splice(at, 1, left, right);
  }
}

function chunkOf(owner: EditToken, values: ArrayLike<number>): Chunk {
  const array = new Int32Array(Math.max(8, values.length));
  array.set(values);
  return { owner, values: array, length: values.length };
}

/** Where `value` stands or would stand within the chunk. */
function position(chunk: Chunk, value: number): number {
  // Mostly values come in ascending order.
  if (chunk.length > 0 && (chunk.values[chunk.length - 1] ?? 0) < value) return chunk.length;
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunk.values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(chunk: Chunk, index: number, value: number): void {
  if (chunk.length === chunk.values.length) {
    const grown = new Int32Array(Math.min(chunkMax, chunk.length * 2));
    grown.set(chunk.values);
    chunk.values = grown;
  }
  if (index < chunk.length) chunk.values.copyWithin(index + 1, index, chunk.length);
  chunk.values[index] = value;
  chunk.length++;
}
