import { failed, ok, type Result } from '../../base/result.ts';
import type { CodecError } from '../../codec/codec-error.ts';
import type { FileError } from '../../ports/files.ts';
import { type FileTask, submitFile } from '../../ports/task.ts';

/**
 * Why a small file of ours could not be used. `CORRUPT`: it is there and was damaged.
 * `UNSUPPORTED_VERSION`: a newer Ottla wrote it. The others are the file system's.
 */
export type StoredFileError = {
  readonly code: FileError['code'] | 'CORRUPT' | 'UNSUPPORTED_VERSION';
  readonly file: string;
  readonly message: string;
};

export type Stored<Value> = FileTask<Result<Value, StoredFileError>>;

/** Our small files are far below this; a larger one is damage and is not read into memory. */
const fileBytesMax = 1_048_576;

export function fromFileError(error: FileError): StoredFileError {
  return { code: error.code, file: error.path, message: error.message };
}

export function fromCodecError(file: string, error: CodecError): StoredFileError {
  const code = error.code === 'MALFORMED' ? 'CORRUPT' : error.code;
  return { code, file, message: error.message };
}

/** The bytes of `path`; null where there is no such file. */
export function* readStoredFile(path: string): Stored<Uint8Array | null> {
  const opened = yield* submitFile({ kind: 'open', path, mode: 'existing' });
  if (!opened.ok && opened.error.code === 'NOT_FOUND') return ok(null);
  if (!opened.ok) return failed(fromFileError(opened.error));
  const handle = opened.value;
  const read = yield* submitFile({ kind: 'pread', handle, position: 0, length: fileBytesMax });
  yield* submitFile({ kind: 'close', handle });
  return read.ok ? read : failed(fromFileError(read.error));
}

/**
 * Replaces `directory/name` by `bytes`, durably: after a crash the file is the old one or the new one,
 * whole. A temporary file is written and flushed, renamed, and the directory is flushed.
 */
export function* replaceStoredFile(directory: string, name: string, bytes: Uint8Array): Stored<null> {
  const replaced = yield* replaceSteps(directory, name, bytes);
  return replaced.ok ? replaced : failed(fromFileError(replaced.error));
}

function* replaceSteps(
  directory: string,
  name: string,
  bytes: Uint8Array,
): FileTask<Result<null, FileError>> {
  const to = `${directory}/${name}`;
  const from = `${to}.tmp`;
  const removed = yield* submitFile({ kind: 'remove', path: from });
  if (!removed.ok) return removed;
  const opened = yield* submitFile({ kind: 'open', path: from, mode: 'createNew' });
  if (!opened.ok) return opened;
  const handle = opened.value;
  const written = yield* submitFile({ kind: 'pwrite', handle, position: 0, bytes });
  const flushed = written.ok ? yield* submitFile({ kind: 'fdatasync', handle }) : written;
  yield* submitFile({ kind: 'close', handle });
  if (!flushed.ok) return flushed;
  const renamed = yield* submitFile({ kind: 'rename', from, to });
  if (!renamed.ok) return renamed;
  return yield* submitFile({ kind: 'syncDirectory', path: directory });
}
