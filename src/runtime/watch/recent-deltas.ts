import { assert } from '../../base/assert.ts';
import type { Offset } from '../../base/brands.ts';
import type { WatchDelta } from './watch-api.ts';

type Entry = { readonly delta: WatchDelta; readonly bytes: number };

/**
 * The newest deltas, once for all who watch: each watcher is an offset into them.
 *
 * Invariants
 * 1. The deltas are contiguous: the first begins at `start`, the last ends at `end`.
 * 2. They take at most `bytesMax` bytes of the log, the newest one aside.
 */
export class RecentDeltas {
  readonly #bytesMax: number;
  #entries: Entry[] = [];
  /** Entries before it were dropped. */
  #head = 0;
  #bytes = 0;
  #start: Offset;
  #end: Offset;
  /** What was taken last: those who stand at the same place are given the same array. */
  #taken: { readonly from: Offset; readonly end: Offset; readonly deltas: readonly WatchDelta[] } | null =
    null;

  constructor(at: Offset, bytesMax: number) {
    this.#start = at;
    this.#end = at;
    this.#bytesMax = bytesMax;
  }

  get start(): Offset {
    return this.#start;
  }

  get end(): Offset {
    return this.#end;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Everything is forgotten: whoever stands before `at` finds it in the log, or nowhere. */
  reset(at: Offset): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#start = at;
    this.#end = at;
    this.#taken = null;
  }

  add(delta: WatchDelta, bytes: number): void {
    assert(delta.baseOffset === this.#end, `a delta at ${delta.baseOffset} does not follow ${this.#end}`);
    this.#entries.push({ delta, bytes });
    this.#end = delta.endOffset;
    this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax && this.#head < this.#entries.length - 1) this.#dropOldest();
    this.#compact();
  }

  /** Deltas from the one that holds `position` on: at least one, otherwise no more than `bytesMax` bytes. */
  take(position: Offset, bytesMax: number): readonly WatchDelta[] {
    assert(position >= this.#start, 'what was dropped is read from the log');
    assert(position < this.#end, 'there is something to take');
    if (this.#taken?.from === position && this.#taken.end === this.#end) return this.#taken.deltas;
    const deltas: WatchDelta[] = [];
    let bytes = 0;
    for (let at = this.#firstEndingAfter(position); at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry === undefined) break;
      bytes += entry.bytes;
      if (deltas.length > 0 && bytes > bytesMax) break;
      deltas.push(entry.delta);
    }
    this.#taken = { from: position, end: this.#end, deltas };
    return deltas;
  }

  #dropOldest(): void {
    const oldest = this.#entries[this.#head];
    assert(oldest !== undefined, 'there is an oldest delta');
    this.#bytes -= oldest.bytes;
    this.#start = oldest.delta.endOffset;
    this.#head++;
  }

  #compact(): void {
    if (this.#head < 64 || 2 * this.#head < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }

  #firstEndingAfter(position: Offset): number {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.delta.endOffset ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
