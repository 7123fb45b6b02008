import { coverageMark } from '../../base/coverage-marks.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { decodeQuorumState, type QuorumStateCopy } from '../../codec/quorum-state.ts';
import type { FileHandle, Files } from '../../ports/files.ts';
import { runFileTask } from '../../ports/task.ts';
import type { QuorumState } from '../../raft/quorum-state.ts';
import { establishCopies, quorumStateNames } from './quorum-state-copies.ts';
import { type QuorumStateEvents, QuorumStateStore } from './quorum-state-store.ts';
import { fromCodecError, readStoredFile, type Stored, type StoredFileError } from './stored-file.ts';

/**
 * What a node must never forget, in two files (design 17).
 *
 * 1. Each file is one sector, preallocated, so a crash leaves each as it was or as it was to be. A write
 *    goes to both, and counts only when both are flushed; so whichever file survives, it holds the last
 *    state that anything was sent on.
 * 2. Of two valid files the one with the higher sequence counts: it may hold a state that was being
 *    written, on which nothing rests yet, and which nothing contradicts.
 * 3. When the files are opened, the state that counts is written to both again and flushed. What was read
 *    may have stood in the page cache only, and one of the files may have been stale or damaged.
 * 4. When neither is valid, nothing is written: the caller decides. A node that had a state must first
 *    persist a new directory id, since under the old one it may have cast a vote that it has forgotten.
 * 5. A file comes into being valid, by rename. So a node that first persists a quorum state and then its
 *    node properties knows later: where there are properties there was a quorum state.
 */
export type OpenedQuorumState = {
  readonly store: QuorumStateStore;
  /** Null: no file is valid, be it that there is none. */
  readonly state: QuorumState | null;
  /** Files that are there and are not valid, with the reason. */
  readonly damage: readonly StoredFileError[];
};

export type OpenQuorumStateOptions = {
  readonly files: Files;
  readonly directory: string;
  readonly events: QuorumStateEvents;
};

type Copies = { readonly newest: QuorumStateCopy | null; readonly damage: readonly StoredFileError[] };

/** Opens the two files. Calls `complete` once, never from within this call. */
export function openQuorumState(
  options: OpenQuorumStateOptions,
  complete: (result: Result<OpenedQuorumState, StoredFileError>) => void,
): void {
  const { files, directory } = options;
  runFileTask(files, openSteps(directory), (opened) => {
    if (!opened.ok) {
      complete(opened);
      return;
    }
    const { newest, damage, handles } = opened.value;
    const establish = (copy: QuorumStateCopy): Stored<readonly FileHandle[]> =>
      establishCopies(directory, damage, copy);
    const store = new QuorumStateStore(options, { newest, handles, establish });
    complete(ok({ store, state: newest?.state ?? null, damage }));
  });
}

function* openSteps(directory: string): Stored<Copies & { readonly handles: readonly FileHandle[] | null }> {
  const copies = yield* readCopies(directory);
  if (!copies.ok) return copies;
  const { newest, damage } = copies.value;
  if (newest === null) return ok({ newest, damage, handles: null });
  const handles = yield* establishCopies(directory, damage, newest);
  return handles.ok ? ok({ newest, damage, handles: handles.value }) : handles;
}

function* readCopies(directory: string): Stored<Copies> {
  const damage: StoredFileError[] = [];
  let newest: QuorumStateCopy | null = null;
  for (const name of quorumStateNames) {
    const path = `${directory}/${name}`;
    const read = yield* readStoredFile(path);
    if (!read.ok) return read;
    if (read.value === null) continue;
    const decoded = decodeQuorumState(read.value);
    // A newer Ottla may have voted here; an older one must not act beside that.
    if (!decoded.ok && decoded.error.code === 'UNSUPPORTED_VERSION')
      return failed(fromCodecError(path, decoded.error));
    if (!decoded.ok) {
      coverageMark('quorum state: one copy is damaged');
      damage.push(fromCodecError(path, decoded.error));
      continue;
    }
    if (newest !== null && newest.sequence !== decoded.value.sequence)
      coverageMark('quorum state: one copy is older');
    if (newest === null || decoded.value.sequence > newest.sequence) newest = decoded.value;
  }
  return ok({ newest, damage });
}
