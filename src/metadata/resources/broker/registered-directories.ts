import type { Uuid } from '../../../base/brands.ts';
import type { MetadataImage } from '../../image.ts';
import { finalizedMetadataVersion, logDirectoriesVersion } from '../feature/supported.ts';
import { isReservedDirectory, reservedDirectories } from '../topic/directories.ts';
import { brokerPartitions } from '../topic/state.ts';
import type { BrokerRow } from './resource.ts';

/** Directories that have gone offline under the present registration of a broker. */
export function offlineDirectories(image: MetadataImage, broker: number): readonly Uuid[] {
  return image.broker.offlineDirectories.get(broker)?.logDirs ?? [];
}

/** What is left of directories that the same incarnation names once more: one that went offline stays so. */
export function stillOnline(image: MetadataImage, broker: number, named: readonly Uuid[]): readonly Uuid[] {
  const offline = offlineDirectories(image, broker);
  return named.filter((directory) => !offline.includes(directory));
}

type Named = {
  readonly brokerId: number;
  readonly incarnationId: Uuid;
  readonly logDirs?: readonly Uuid[];
};

/** Why a registration cannot name these directories, or null. */
export function findDirectoriesFault(
  image: MetadataImage,
  { brokerId, incarnationId, logDirs = [] }: Named,
): string | null {
  if (new Set(logDirs).size < logDirs.length) return 'A log directory is named twice.';
  const reserved = logDirs.find(isReservedDirectory);
  if (reserved !== undefined) return `The id ${reserved} is reserved, and names no log directory.`;
  if (finalizedMetadataVersion(image) < logDirectoriesVersion) return null;
  const before = image.broker.brokers.get(brokerId);
  if (before === null || before.incarnationId !== incarnationId) return null;
  const missing = before.logDirs.find((directory) => !logDirs.includes(directory));
  return missing === undefined
    ? null
    : `The same incarnation has named the log directory ${missing}: one that is offline is said by heartbeats.`;
}

/**
 * Whether a broker that vouches for what its last incarnation held may have lost some of it that the names of
 * directories do not tell. It vouches for those directories that the last incarnation had to its end, and that it has
 * itself:
 * 1. Of a replica of which nobody knows where it was, it knows nothing where a directory of the last incarnation is
 *    missing, or went offline under it.
 * 2. Of a replica whose directory it names and the last incarnation had not, it knows how that one left it, and not how
 *    the one before did. The last incarnation was never unfenced then: before that all that was lost had been acted
 *    upon.
 */
export function mayHaveLostElsewhere(image: MetadataImage, last: BrokerRow, named: readonly Uuid[]): boolean {
  const offline = offlineDirectories(image, last.brokerId);
  if (last.logDirs.length + offline.length === 0) return false;
  const { directories, isrCount, elrCount } = brokerPartitions(image.topic, last.brokerId);
  const { unassigned, lost } = reservedDirectories;
  let inSyncCount = 0;
  for (const [directory, counts] of directories) {
    if (directory === unassigned) continue;
    inSyncCount += counts.inSyncCount;
    const isKnownToLast = directory === lost || last.logDirs.includes(directory);
    const isNamed = named.length === 0 || named.includes(directory);
    if (counts.inSyncCount === 0 || isKnownToLast || !isNamed) continue;
    return true;
  }
  const isAnyMissing =
    offline.length > 0 || (named.length > 0 && last.logDirs.some((directory) => !named.includes(directory)));
  return isAnyMissing && inSyncCount < isrCount + elrCount;
}
