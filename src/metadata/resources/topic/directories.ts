import { type Uuid, uuid } from '../../../base/brands.ts';
import { uuidToBytes, zeroUuid } from '../../../base/uuid.ts';
import type { PartitionRow } from './partition-row.ts';

/**
 * Ids that stand for no directory (KIP-858, Kafka's DirectoryId). `migrating`: nothing is known of where the replica
 * is, because its broker names no directories, or because the replica is older than such names. `unassigned`: its
 * broker has several, and has not said yet in which it is. `lost`: in one that is gone, whichever it was.
 */
export const reservedDirectories = Object.freeze({
  migrating: zeroUuid,
  unassigned: uuid('AAAAAAAAAAAAAAAAAAAAAQ'),
  lost: uuid('AAAAAAAAAAAAAAAAAAAAAg'),
});

/** The first hundred ids are kept for meanings as those above. */
const reservedCount = 100;

export function isReservedDirectory(id: Uuid): boolean {
  const bytes = uuidToBytes(id);
  const last = bytes.length - 1;
  return bytes.every((byte, at) => (at === last ? byte < reservedCount : byte === 0));
}

type Placed = Pick<PartitionRow, 'replicas' | 'directories'>;

/** In which directory a replica is; nothing is known of one that is none. */
export function directoryOf({ replicas, directories }: Placed, broker: number): Uuid {
  return directories[replicas.indexOf(broker)] ?? reservedDirectories.migrating;
}

/** A replica keeps its directory wherever it stands in the new order; a new one has the one that `forNew` gives it. */
export function directoriesAfter(
  before: Placed,
  replicas: readonly number[],
  forNew: (broker: number) => Uuid = () => reservedDirectories.migrating,
): readonly Uuid[] {
  if (replicas === before.replicas) return before.directories;
  return normalisedDirectories(
    replicas.map((replica) =>
      before.replicas.includes(replica) ? directoryOf(before, replica) : forNew(replica),
    ),
  );
}

/** Empty where nothing is known of any replica. */
export function normalisedDirectories(directories: readonly Uuid[]): readonly Uuid[] {
  return directories.every((directory) => directory === reservedDirectories.migrating) ? [] : directories;
}
