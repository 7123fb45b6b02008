import { ok, type Result } from '../../base/result.ts';
import { encodeQuorumState, type QuorumStateCopy } from '../../codec/quorum-state.ts';
import type { FileError, FileHandle } from '../../ports/files.ts';
import { type FileTask, submitFile } from '../../ports/task.ts';
import type { StoredFileError } from './stored-file.ts';

export const quorumStateNames = ['quorum-state-a', 'quorum-state-b'] as const;

/** Opens both files, making those that are missing. Damaged ones are kept under another name. */
export function* openFiles(
  directory: string,
  damage: readonly StoredFileError[],
): FileTask<Result<readonly FileHandle[], FileError>> {
  for (const { file } of damage) {
    const aside = yield* renameAside(directory, file);
    if (!aside.ok) return aside;
  }
  const handles: FileHandle[] = [];
  for (const name of quorumStateNames) {
    const opened = yield* submitFile({ kind: 'open', path: `${directory}/${name}`, mode: 'create' });
    if (!opened.ok) return opened;
    handles.push(opened.value);
  }
  return ok(handles);
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
