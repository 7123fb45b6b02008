import { assert } from '../../base/assert.ts';
import { coverageMark } from '../../base/coverage-marks.ts';
import { failed, ok } from '../../base/result.ts';
import type { QuorumStateCopy } from '../../codec/quorum-state.ts';
import type { FileHandle, Files } from '../../ports/files.ts';
import { type FileTask, runFileTask, submitFile } from '../../ports/task.ts';
import type { IoId } from '../../raft/inputs.ts';
import type { QuorumState } from '../../raft/quorum-state.ts';
import { sameReplica } from '../../raft/replica-key.ts';
import { writeToAll } from './quorum-state-copies.ts';
import { fromFileError, type Stored, type StoredFileError } from './stored-file.ts';

export type QuorumStateEvents = {
  /** Everything up to and with this call is in both files, on disk. */
  onPersisted(ioId: IoId): void;
  /** After this nothing more completes. */
  onFailed(error: { readonly file: string; readonly message: string }): void;
};

/** What opening the files has found. */
export type QuorumStateStart = {
  readonly newest: QuorumStateCopy | null;
  /** Null while no file is valid; the first write then makes both by `establish`. */
  readonly handles: readonly FileHandle[] | null;
  readonly establish: (copy: QuorumStateCopy) => Stored<readonly FileHandle[]>;
};

type Options = { readonly files: Files; readonly directory: string; readonly events: QuorumStateEvents };

/**
 * Persists the quorum state, one write at a time. A state that was superseded while it waited is not
 * written: the later one forbids whatever it forbade, so its completion rests on the later one.
 */
export class QuorumStateStore {
  readonly #options: Options;
  readonly #establish: QuorumStateStart['establish'];
  #handles: readonly FileHandle[] | null;
  #sequence: number;
  /** The latest state that was handed in. */
  #state: QuorumState | null;
  #waiting: { readonly ioId: IoId; readonly state: QuorumState } | null = null;
  #isWriting = false;
  #hasFailed = false;
  #whenClosed: (() => void) | null = null;

  constructor(options: Options, start: QuorumStateStart) {
    this.#options = options;
    this.#establish = start.establish;
    this.#handles = start.handles;
    this.#sequence = start.newest?.sequence ?? 0;
    this.#state = start.newest?.state ?? null;
  }

  /** Answered by `onPersisted`, never from within this call. */
  persist(ioId: IoId, state: QuorumState): void {
    assertFollows(this.#state, state);
    if (this.#hasFailed || this.#whenClosed !== null) return;
    if (this.#waiting !== null) coverageMark('quorum state: a waiting write is superseded');
    this.#state = state;
    this.#waiting = { ioId, state };
    this.#writeWaiting();
  }

  /** Closes the files after the writes that were handed in. */
  close(complete: () => void): void {
    assert(this.#whenClosed === null, 'a store is closed once');
    this.#whenClosed = complete;
    this.#closeWhenIdle(complete);
  }

  #writeWaiting(): void {
    const next = this.#waiting;
    if (next === null || this.#isWriting || this.#hasFailed) return;
    this.#waiting = null;
    this.#isWriting = true;
    this.#sequence++;
    runFileTask(this.#options.files, this.#writeSteps(next.state), (written) => {
      this.#isWriting = false;
      if (written.ok) this.#options.events.onPersisted(next.ioId);
      else this.#fail(written.error);
      this.#writeWaiting();
      if (this.#whenClosed !== null) this.#closeWhenIdle(this.#whenClosed);
    });
  }

  *#writeSteps(state: QuorumState): Stored<null> {
    const copy = { sequence: this.#sequence, state };
    if (this.#handles !== null) {
      const written = yield* writeToAll(this.#handles, copy);
      return written.ok ? written : failed(fromFileError(written.error));
    }
    const established = yield* this.#establish(copy);
    if (!established.ok) return established;
    this.#handles = established.value;
    return ok(null);
  }

  #fail(error: StoredFileError): void {
    this.#hasFailed = true;
    this.#options.events.onFailed({ file: error.file, message: `${error.code}: ${error.message}` });
  }

  #closeWhenIdle(complete: () => void): void {
    if (this.#isWriting) return;
    runFileTask(this.#options.files, closeAll(this.#handles ?? []), complete);
  }
}

function* closeAll(handles: readonly FileHandle[]): FileTask<void> {
  for (const handle of handles) yield* submitFile({ kind: 'close', handle });
}

/**
 * The invariants of `QuorumState`, checked where it is written: the epoch never decreases, and within an
 * epoch a vote, once cast, stays (Raft paper, Figure 2: votedFor; KIP-595).
 */
function assertFollows(before: QuorumState | null, after: QuorumState): void {
  if (before === null) return;
  assert(after.epoch >= before.epoch, `the epoch goes back from ${before.epoch} to ${after.epoch}`);
  if (after.epoch > before.epoch || before.voted === null) return;
  const isSameVote = after.voted !== null && sameReplica(after.voted, before.voted);
  assert(isSameVote, `a second vote in epoch ${after.epoch}`);
}
