import { ok } from '../../base/result.ts';
import { recordBatchBytesMax } from '../../codec/record-batch/header.ts';
import type { Step } from '../../runtime/log/file-steps.ts';
import { type Entry, entryHeaderBytes, entryStartBytes, readEntry, readEntryHeader } from './entry.ts';
import { readRange } from './file-steps.ts';
import type { Segment } from './segment.ts';

/** Reads a segment's file through one window, up to `size`. */
export class Window {
  readonly size: number;
  readonly #segment: Segment;
  readonly #chunkBytes: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;

  /** Reads so many bytes at a time, or more where one entry needs them. */
  constructor(segment: Segment, size: number, chunkBytes: number) {
    this.#segment = segment;
    this.#chunkBytes = chunkBytes;
    this.size = size;
  }

  /** Up to `length` bytes from `position` on, as far as the file has them. */
  *bytes(position: number, length: number): Step<Uint8Array> {
    const wanted = Math.min(length, this.size - position);
    const from = position - this.#start;
    if (from < 0 || from + wanted > this.#bytes.length) {
      const range = Math.min(Math.max(wanted, this.#chunkBytes), this.size - position);
      const read = yield* readRange(this.#segment, position, range);
      if (!read.ok) return read;
      this.#bytes = read.value;
      this.#start = position;
    }
    const at = position - this.#start;
    return ok(this.#bytes.subarray(at, at + wanted));
  }
}

/** The entry at a position, verified; otherwise the reason why there is none. */
export function* entryAt(window: Window, { baseOffset }: Segment, position: number): Step<Entry | string> {
  const place = { segmentBaseOffset: baseOffset, position };
  const start = yield* window.bytes(position, entryStartBytes);
  if (!start.ok) return start;
  const found = readEntryHeader(start.value, 0, place);
  if (found === null) return ok('no entry begins there');
  if (found.batchBytes > recordBatchBytesMax) return ok('an entry is longer than any batch');
  const whole = yield* window.bytes(position, entryHeaderBytes + found.batchBytes);
  if (!whole.ok) return whole;
  const entry = readEntry(whole.value, 0, place);
  return ok(entry.ok ? entry.value : entry.error);
}
