import { failed, ok, type Result } from '../../base/result.ts';
import type { FileError, FileHandle } from '../../ports/files.ts';
import { type FileTask, submitFile } from '../../ports/task.ts';

/** Steps over files that the log's tasks share. Each stops at the first failure and gives it. */
export type Step<Value> = FileTask<Result<Value, FileError>>;

const zeroChunk = new Uint8Array(1_048_576);

/** Writes zeros over [from, to); not flushed yet. */
export function* writeZeros(handle: FileHandle, from: number, to: number): Step<null> {
  for (let position = from; position < to; position += zeroChunk.length) {
    const bytes = zeroChunk.subarray(0, Math.min(zeroChunk.length, to - position));
    const written = yield* submitFile({ kind: 'pwrite', handle, position, bytes });
    if (!written.ok) return written;
  }
  return ok(null);
}

/** Writes `bytes` at `position` and flushes the file. */
export function* writeAndFlush(handle: FileHandle, position: number, bytes: Uint8Array): Step<null> {
  const written = yield* submitFile({ kind: 'pwrite', handle, position, bytes });
  if (!written.ok) return written;
  return yield* submitFile({ kind: 'fdatasync', handle });
}

/** Reads exactly `length` bytes; a file that ends before is an IO error of `path`. */
export function* readExactly(
  path: string,
  range: { readonly handle: FileHandle; readonly position: number; readonly length: number },
): Step<Uint8Array> {
  const read = yield* submitFile({ kind: 'pread', ...range });
  if (!read.ok) return read;
  if (read.value.length === range.length) return read;
  return failed({
    code: 'IO',
    path,
    message: `only ${read.value.length} of ${range.length} bytes could be read`,
  });
}

/** Removes a name for good. */
export function* removeDurably(directory: string, path: string): Step<null> {
  const removed = yield* submitFile({ kind: 'remove', path });
  if (!removed.ok) return removed;
  return yield* submitFile({ kind: 'syncDirectory', path: directory });
}
