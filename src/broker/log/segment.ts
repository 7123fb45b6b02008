import { assert } from '../../base/assert.ts';
import type { FileHandle } from '../../ports/files.ts';

/** One file of a log. Its name is the offset at which it begins. */
export type Segment = {
  readonly baseOffset: number;
  readonly path: string;
  readonly handle: FileHandle;
  readonly index: SparseIndex;
  /** Of the entries that are written; a file may be longer while the next group is on its way. */
  sizeInBytes: number;
  endOffset: number;
  /** Of its first batch; -1 while it has none. */
  firstTimestampMs: number;
  /** The latest of its batches' timestamps; after a cut, perhaps of one that is gone. */
  maxTimestampMs: number;
  /** Reads under way; the last of them closes the file of a segment that is gone. */
  readers: number;
  isGone: boolean;
};

/** Stands in a log's directory from before something was cut off that may have counted, until its broker knows. */
export const damageMark = 'damaged';
const nameDigits = 20;
const namePattern = /^(\d{20})\.log$/;

/**
 * Stands there while a log is being cut to the offset that it names: a crash may leave a part of what was cut off, with
 * zeros before it, which would otherwise be damage.
 */
export function cutMark(to: number): string {
  return `${to}.cut`;
}

/** Null for what is no mark of a cut. */
export function cutOf(name: string): number | null {
  return name.endsWith('.cut') ? Number.parseInt(name, 10) : null;
}

/** Where a log begins, and the epoch of the last record below; -1 where none was. */
export type LogStart = { readonly offset: number; readonly epochBefore: number };

export const noStart: LogStart = { offset: 0, epochBefore: -1 };

/**
 * `start` stands there from before anything below is removed, for as long as the log begins there; `reset` while all
 * that the log holds is being removed, so that it can begin there.
 */
export function startMark({ offset, epochBefore }: LogStart, kind: 'start' | 'reset'): string {
  return `${offset}.${epochBefore}.${kind}`;
}

/** Null for what is no such mark. */
export function startOf(name: string, kind: 'start' | 'reset'): LogStart | null {
  const [offset, epochBefore, ending] = name.split('.');
  if (ending !== kind || epochBefore === undefined) return null;
  return { offset: Number(offset), epochBefore: Number(epochBefore) };
}

/** As Kafka names them. */
export function segmentName(baseOffset: number): string {
  return `${String(baseOffset).padStart(nameDigits, '0')}.log`;
}

/** Null for what is no segment's name. */
export function baseOffsetOf(name: string): number | null {
  const digits = namePattern.exec(name)?.[1];
  if (digits === undefined) return null;
  const baseOffset = Number(digits);
  return Number.isSafeInteger(baseOffset) ? baseOffset : null;
}

const indexIntervalBytes = 4_096;

/**
 * Where some of a segment's batches stand, one for every 4 KiB as in Kafka. It is in memory alone: opening a log reads
 * all of it anyway.
 */
export class SparseIndex {
  readonly #offsets: number[] = [];
  readonly #positions: number[] = [];

  add(baseOffset: number, position: number): void {
    const last = this.#positions.at(-1);
    if (last !== undefined && position - last < indexIntervalBytes) return;
    assert(baseOffset >= (this.#offsets.at(-1) ?? 0), 'an index ascends');
    this.#offsets.push(baseOffset);
    this.#positions.push(position);
  }

  /** The position of an entry that begins at or before the one that holds `offset`. */
  positionBefore(offset: number): number {
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#positions[low - 1] ?? 0;
  }

  /** Batches from `to` on are gone. */
  truncate(to: number): void {
    const kept = this.#offsets.filter((offset) => offset < to).length;
    this.#offsets.length = kept;
    this.#positions.length = kept;
  }
}
