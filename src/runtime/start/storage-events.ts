import type { IoId } from '../../raft/inputs.ts';
import type { QuorumState } from '../../raft/quorum-state.ts';
import type { SnapshotId } from '../../raft/snapshot-id.ts';
import type { RaftLog, RaftLogEvents } from '../log/raft-log.ts';
import type { QuorumStateEvents, QuorumStateStore } from '../quorum-state/quorum-state-store.ts';

/** I/O before the core exists; the core's own numbers begin above it. */
const startIoId: IoId = 0;

type FileFailure = { readonly file: string; readonly message: string };

/**
 * Completions of the log and the quorum state, which are opened before there is a core to hear of them.
 * During the start they resume the start; from then on they go to whoever `listen` names.
 */
export class StorageEvents {
  #listener: StorageListener | null = null;
  #atStart: (() => void) | null = null;
  onFailed: (error: FileFailure) => void = () => {};

  readonly quorumState: QuorumStateEvents = {
    onPersisted: (ioId) => {
      if (ioId === startIoId) this.#resumeStart();
      else this.#listener?.quorumStatePersisted(ioId);
    },
    onFailed: (error) => this.onFailed(error),
  };

  readonly log: RaftLogEvents = {
    onFlushed: (ioId) => this.#listener?.logFlushed(ioId),
    onTruncated: (ioId) => {
      if (ioId === startIoId) this.#resumeStart();
      else this.#listener?.logTruncated(ioId);
    },
    onFailed: (error) => this.onFailed(error),
  };

  listen(listener: StorageListener): void {
    this.#listener = listener;
  }

  persistAtStart(store: QuorumStateStore, state: QuorumState, done: () => void): void {
    this.#atStart = done;
    store.persist(startIoId, state);
  }

  resetAtStart(log: RaftLog, at: SnapshotId, chainCrc: number, done: () => void): void {
    this.#atStart = done;
    log.resetTo(startIoId, at, chainCrc);
  }

  #resumeStart(): void {
    const resume = this.#atStart;
    this.#atStart = null;
    resume?.();
  }
}

export type StorageListener = {
  quorumStatePersisted(ioId: IoId): void;
  logFlushed(ioId: IoId): void;
  logTruncated(ioId: IoId): void;
};
