import { assertDefined } from '../../base/assert.ts';
import { ok } from '../../base/result.ts';
import type { FileHandle } from '../../ports/files.ts';
import { submitFile } from '../../ports/task.ts';
import { type Step, writeAndFlush, writeZeros } from './file-steps.ts';
import { encodeSegmentHeader, type SegmentHeader, segmentName } from './segment-header.ts';
import { Segment } from './segment.ts';

export const preparedName = 'prepared.tmp';

type Prepared = { readonly handle: FileHandle; readonly sizeBytes: number };

/** What the maker fills in itself is the size: that of the file that was prepared. */
export type SegmentBeginning = Omit<SegmentHeader, 'sizeBytes'>;

/**
 * Makes segment files. One is prepared ahead, in the background: written full of zeros and flushed under
 * a temporary name, so that an append that needs the next segment does not wait for that. A name of a
 * segment appears only when its file has its full size and its header on disk.
 */
export class SegmentMaker {
  readonly #directory: string;
  #prepared: Prepared | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get bytesOnDisk(): number {
    return this.#prepared?.sizeBytes ?? 0;
  }

  /** True when a file of at least `sizeBytes` waits to become a segment. */
  hasPrepared(sizeBytes: number): boolean {
    return this.#prepared !== null && this.#prepared.sizeBytes >= sizeBytes;
  }

  /**
   * Prepares a file of `sizeBytes` in place of a smaller one. Whoever runs it runs nothing else of the maker
   * beside it.
   */
  *prepare(sizeBytes: number): Step<null> {
    const path = `${this.#directory}/${preparedName}`;
    const closed = yield* this.close();
    if (!closed.ok) return closed;
    const removed = yield* submitFile({ kind: 'remove', path });
    if (!removed.ok) return removed;
    const opened = yield* submitFile({ kind: 'open', path, mode: 'createNew', isDurable: true });
    if (!opened.ok) return opened;
    const handle = opened.value;
    const filled = yield* fillWithZeros(handle, sizeBytes);
    if (filled.ok) {
      this.#prepared = { handle, sizeBytes };
      return filled;
    }
    // What was written so far takes room that others may need more.
    yield* submitFile({ kind: 'close', handle });
    yield* submitFile({ kind: 'remove', path });
    return filled;
  }

  /** Turns the prepared file into a segment, which is durable, name and all, when the step ends. */
  *make(beginning: SegmentBeginning): Step<Segment> {
    const prepared = assertDefined(this.#prepared, 'a segment is made of a prepared file');
    this.#prepared = null;
    const { handle, sizeBytes } = prepared;
    const header = { ...beginning, sizeBytes };
    const path = `${this.#directory}/${segmentName(header.sequence)}`;
    const flushed = yield* writeAndFlush(handle, 0, encodeSegmentHeader(header));
    if (!flushed.ok) return flushed;
    const renamed = yield* submitFile({
      kind: 'rename',
      from: `${this.#directory}/${preparedName}`,
      to: path,
    });
    if (!renamed.ok) return renamed;
    const synced = yield* submitFile({ kind: 'syncDirectory', path: this.#directory });
    return synced.ok ? ok(new Segment(header, path, handle)) : synced;
  }

  /** Closes the prepared file; the next start removes it. */
  *close(): Step<null> {
    const prepared = this.#prepared;
    this.#prepared = null;
    return prepared === null ? ok(null) : yield* submitFile({ kind: 'close', handle: prepared.handle });
  }
}

/** Flushed bit by bit: one flush of a whole segment would make the flushes of appends wait for it. */
const bytesPerFlush = 4_194_304;

function* fillWithZeros(handle: FileHandle, sizeBytes: number): Step<null> {
  for (let from = 0; from < sizeBytes; from += bytesPerFlush) {
    const written = yield* writeZeros(handle, from, Math.min(sizeBytes, from + bytesPerFlush));
    if (!written.ok) return written;
    const flushed = yield* submitFile({ kind: 'fdatasync', handle });
    if (!flushed.ok) return flushed;
  }
  return ok(null);
}
