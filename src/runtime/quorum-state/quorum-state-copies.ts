import { failed, ok, type Result } from '../../base/result.ts';
import { encodeQuorumState, type QuorumStateCopy } from '../../codec/quorum-state.ts';
import type { FileError, FileHandle } from '../../ports/files.ts';
import { type FileTask, submitFile } from '../../ports/task.ts';
import { fromFileError, replaceStoredFile, type Stored, type StoredFileError } from './stored-file.ts';

export const quorumStateNames = ['quorum-state-a', 'quorum-state-b'] as const;

/**
 * Opens both files and writes `copy` to both, flushed. Damaged ones are kept under another name. One that is
 * missing comes into being by rename, so that no crash leaves a file of ours that is not valid.
 */
export function* establishCopies(
  directory: string,
  damage: readonly StoredFileError[],
  copy: QuorumStateCopy,
): Stored<readonly FileHandle[]> {
  for (const { file } of damage) {
    const aside = yield* renameAside(directory, file);
    if (!aside.ok) return failed(fromFileError(aside.error));
  }
  const handles: FileHandle[] = [];
  for (const name of quorumStateNames) {
    const opened = yield* openOrMake(directory, name, copy);
    if (!opened.ok) return opened;
    handles.push(opened.value);
  }
  const written = yield* writeToAll(handles, copy);
  if (!written.ok) return failed(fromFileError(written.error));
  // An earlier process may have ended between a rename and the flush of the directory.
  const synced = yield* submitFile({ kind: 'syncDirectory', path: directory });
  return synced.ok ? ok(handles) : failed(fromFileError(synced.error));
}

function* openOrMake(directory: string, name: string, copy: QuorumStateCopy): Stored<FileHandle> {
  const open = { kind: 'open', path: `${directory}/${name}`, mode: 'existing' } as const;
  let opened = yield* submitFile(open);
  if (!opened.ok && opened.error.code === 'NOT_FOUND') {
    const made = yield* replaceStoredFile(directory, name, encodeQuorumState(copy));
    if (!made.ok) return made;
    opened = yield* submitFile(open);
  }
  return opened.ok ? opened : failed(fromFileError(opened.error));
}

function* renameAside(directory: string, path: string): FileTask<Result<null, FileError>> {
  const listed = yield* submitFile({ kind: 'list', path: directory });
  if (!listed.ok) return listed;
  const name = path.slice(directory.length + 1);
  let number = 1;
  while (listed.value.includes(`${name}.corrupt-${number}`)) number++;
  return yield* submitFile({ kind: 'rename', from: path, to: `${path}.corrupt-${number}` });
}

/** Writes one copy to every file and flushes them all. */
export function* writeToAll(
  handles: readonly FileHandle[],
  copy: QuorumStateCopy,
): FileTask<Result<null, FileError>> {
  const bytes = encodeQuorumState(copy);
  for (const handle of handles) {
    const written = yield* submitFile({ kind: 'pwrite', handle, position: 0, bytes });
    if (!written.ok) return written;
  }
  for (const handle of handles) {
    const flushed = yield* submitFile({ kind: 'fdatasync', handle });
    if (!flushed.ok) return flushed;
  }
  return ok(null);
}
