import { coverageMark } from '../../base/coverage-marks.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import type { CheckpointStore, StoreError, StoreSetAside } from '../../ports/checkpoint-store.ts';
import { type LoadedCheckpoint, loadCheckpoint, wipeStore } from '../checkpoint/load-checkpoint.ts';
import type { ControllerPorts } from '../node-options.ts';
import { type Sequence, wait } from '../sequence.ts';
import type { Registry } from '../../metadata/registry.ts';

/**
 * Opens the checkpoint database and reads what is in force, or goes on without it where it is damaged
 * (design 18: a checkpoint can always be rebuilt from peers). This is the argument why that is safe.
 *
 * 1. No vote and no acknowledgement rests on a checkpoint alone. What a node acknowledges is a flushed part
 *    of its log, and the log is cut off at its beginning only behind a checkpoint that was read back. So
 *    where the log begins at (0, 0) it holds all that the node ever acknowledged, and replaying it gives the
 *    same state; where it begins later, what came before is missing, and the log's own beginning says so.
 * 2. So a node without its checkpoint is whole, or it is `recovering`: it neither votes nor campaigns until it
 *    has fetched the leader's snapshot and everything behind it (design 19). `open-storage.ts` judges which.
 * 3. A damaged log is set aside only after `recovering` is on disk, because the shorter log looks sound. Here
 *    that order is not needed: at whatever moment the process ends, the next start finds the damage again, or
 *    an empty database, and comes to the same conclusion from the same log. Only when the log is then
 *    discarded must `recovering` be on disk, and it is persisted before that.
 * 4. A snapshot that was put in force, and not told to the core yet because the log was not discarded yet
 *    (`snapshots.ts`), was not acknowledged. So the log that still begins before it is what counts.
 * 5. What LevelDB has lost without a word leaves an earlier checkpoint, which verifies by its root, or one
 *    that does not, or none. The log judges each: it reaches back to where the checkpoint ends, or there is
 *    a gap and the node recovers.
 *
 * 6. The store answers CORRUPT also for what it could read and should not: LevelDB ends the process where it
 *    compacts a damaged table (`src/storage/level-tables.ts`), so that a node which had come up with one
 *    would be gone at its next compaction, which may be at once. So it looks before LevelDB does.
 *
 * What the store could not do for another reason (no permission, a failing disk) is no damage: the start is
 * refused, and so is that of a node whose checkpoint a newer version wrote.
 */
export type OpenedCheckpoint = {
  readonly store: CheckpointStore;
  readonly checkpoint: LoadedCheckpoint | null;
  /** What was wrong with the one that was set aside; null when none was. */
  readonly damage: string | null;
};

type Opened = Result<OpenedCheckpoint, string>;

export function* openCheckpoint(registry: Registry, ports: ControllerPorts): Sequence<Opened> {
  const opened = yield* wait<Result<CheckpointStore, StoreError>>((done) =>
    ports.checkpointStores.open(done),
  );
  if (!opened.ok) {
    return opened.error.code === 'CORRUPT' ? yield* setAside(ports, opened.error) : refused(opened.error);
  }
  const loaded = yield* loadCheckpoint(registry, opened.value, ports.clock);
  if (!loaded.ok) {
    return loaded.error.code === 'DAMAGED' ? yield* setAside(ports, loaded.error) : refused(loaded.error);
  }
  if (loaded.value !== null) return ok({ store: opened.value, checkpoint: loaded.value, damage: null });
  const wiped = yield* wipeStore(opened.value);
  if (wiped.ok) return ok({ store: opened.value, checkpoint: null, damage: null });
  return wiped.error.code === 'DAMAGED' ? yield* setAside(ports, wiped.error) : refused(wiped.error);
}

function* setAside(ports: ControllerPorts, { message }: { readonly message: string }): Sequence<Opened> {
  const aside = yield* wait<Result<StoreSetAside, StoreError>>((done) =>
    ports.checkpointStores.setAside(done),
  );
  if (!aside.ok) return refused(aside.error);
  coverageMark('checkpoint: a damaged one is set aside');
  const { store, keptAs } = aside.value;
  ports.logger.error('checkpoint-damaged', { reason: message, keptAs });
  return ok({ store, checkpoint: null, damage: message });
}

function refused({ message }: { readonly message: string }): Result<never, string> {
  return failed(`the checkpoint store: ${message}`);
}
