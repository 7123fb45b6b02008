import type { Result } from '../base/result.ts';
import type { SnapshotId } from '../raft/snapshot-id.ts';

/**
 * Where checkpoints of the state live: a sorted key-value store with atomic, durable batches (`level` in
 * production). By submit and completion, like the files: a result comes later, never from within a call.
 *
 * Contract
 * 1. A `write` is atomic. With `sync` it is durable at its completion, together with every write
 *    completed before it.
 * 2. `get` and `scan` see every write completed before they were submitted.
 * 3. `compact` pushes everything out of the store's memory into its sorted files.
 * 4. Keys are ordered by bytes.
 * 5. A failed `write` has taken effect as a whole or not at all, and whoever submits the next operation sees
 *    which. One that failed for want of space keeps no later one from succeeding when there is room again.
 * 6. `CORRUPT`: what is on disk is damaged, and will be so at the next attempt.
 */
export type CheckpointStore = {
  submit<Kind extends StoreOperation['kind']>(
    operation: Extract<StoreOperation, { kind: Kind }>,
    complete: (result: Result<StoreResults[Kind], StoreError>) => void,
  ): void;
};

export type StoreEntry = { readonly key: Uint8Array; readonly value: Uint8Array };

export type StoreOperation =
  | {
      readonly kind: 'write';
      readonly puts: readonly StoreEntry[];
      readonly deletes: readonly Uint8Array[];
      readonly sync: boolean;
    }
  | { readonly kind: 'get'; readonly keys: readonly Uint8Array[] }
  | {
      /** Entries with `from` <= key < `to`, in order, at most `limit` of them. */
      readonly kind: 'scan';
      readonly from: Uint8Array;
      readonly to: Uint8Array;
      readonly limit: number;
    }
  | { readonly kind: 'compact' };

export type StoreResults = {
  write: null;
  get: readonly (Uint8Array | null)[];
  scan: readonly StoreEntry[];
  compact: null;
};

export type StoreError = {
  readonly code: 'IO' | 'CORRUPT' | 'NO_SPACE' | 'CLOSED';
  readonly message: string;
};

/**
 * The databases of one node: the one in force and, while a snapshot is being received, a new one beside
 * it. `installReceived` makes the received one the one in force, by rename, durably.
 */
export type CheckpointStores = {
  /** Opens the database in force, making it where missing. */
  open(complete: (result: Result<CheckpointStore, StoreError>) => void): void;
  /**
   * Opens an empty database for a snapshot that is being received; an earlier unfinished one is thrown away
   * unless `snapshotId` is the same.
   */
  openReceiving(
    snapshotId: SnapshotId,
    complete: (result: Result<CheckpointStore, StoreError>) => void,
  ): void;
  /** Throws away what was received so far, whatever state it is in. */
  discardReceiving(complete: (result: Result<null, StoreError>) => void): void;
  installReceived(complete: (result: Result<CheckpointStore, StoreError>) => void): void;
  /**
   * Takes a damaged database out of force, open or not, and opens an empty one in its place. Its files are
   * kept under another name, as evidence, until the next one is set aside.
   */
  setAside(complete: (result: Result<StoreSetAside, StoreError>) => void): void;
  close(complete: () => void): void;
};

export type StoreSetAside = {
  /** The empty one, now in force. */
  readonly store: CheckpointStore;
  /** Where the damaged one is now. */
  readonly keptAs: string;
};
