import { ok } from '../../base/result.ts';
import type { FileHandle } from '../../ports/files.ts';
import { readExactly, type Step } from './file-steps.ts';
import { firstNonZero, sectorBytes } from './sectors.ts';

const windowBytes = 1_048_576;

/** Reads a segment from its beginning to its end through one window, with few and large reads. */
export class SegmentReader {
  readonly path: string;
  readonly fileBytes: number;
  /** Bytes of whole sectors that the file has. */
  readonly size: number;
  readonly #handle: FileHandle;
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;

  constructor(path: string, handle: FileHandle, fileBytes: number) {
    this.path = path;
    this.fileBytes = fileBytes;
    this.size = fileBytes - (fileBytes % sectorBytes);
    this.#handle = handle;
  }

  /** The bytes [position, position + length), which must lie within `size`; a view until the next call. */
  *bytes(position: number, length: number): Step<Uint8Array> {
    const from = position - this.#windowStart;
    if (from >= 0 && from + length <= this.#window.length)
      return ok(this.#window.subarray(from, from + length));
    const wanted = Math.min(Math.max(length, windowBytes), this.size - position);
    const read = yield* readExactly(this.path, { handle: this.#handle, position, length: wanted });
    if (!read.ok) return read;
    this.#window = read.value;
    this.#windowStart = position;
    return ok(this.#window.subarray(0, length));
  }

  /** The first sector at or after `from` that holds anything but zeros; null when there is none. */
  *firstWritten(from: number): Step<{ readonly position: number; readonly guard: number } | null> {
    for (let position = from; position < this.size; ) {
      const length = Math.min(windowBytes, this.size - position);
      const bytes = yield* this.bytes(position, length);
      if (!bytes.ok) return bytes;
      const found = firstNonZero(bytes.value);
      if (found >= 0) {
        const sector = found - (found % sectorBytes);
        return ok({ position: position + sector, guard: bytes.value[sector] ?? 0 });
      }
      position += length;
    }
    return ok(null);
  }
}
