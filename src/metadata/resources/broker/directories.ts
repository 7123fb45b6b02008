import type { Uuid } from '../../../base/brands.ts';
import type { MetadataImage } from '../../image.ts';
import { finalizedMetadataVersion, logDirectoriesVersion } from '../feature/supported.ts';
import { reservedDirectories } from '../topic/directories.ts';
import { brokerPartitions, type TopicState } from '../topic/state.ts';
import type { StandingChange } from './activity.ts';

/** What is known of the log directories of brokers (KIP-858). */
export type Directories = {
  /**
   * A replica that is in it is lost: its broker has named its directories, and this is none of them any more. A replica
   * of which nobody knows where it is counts as there (Kafka: DirectoryId.isOnline).
   */
  readonly isLost: (broker: number, directory: Uuid) => boolean;
  /** That of a replica that is new there (Kafka: DefaultDirProvider). */
  readonly ofNewReplica: (broker: number) => Uuid;
  /**
   * The one in which all replicas of a fenced broker are, that has registered no other; null where there is no such
   * one.
   */
  readonly only: (broker: number) => Uuid | null;
};

/** Below the level that brought them no directory means anything. */
const nothingKnown: Directories = Object.freeze({
  isLost: () => false,
  ofNewReplica: () => reservedDirectories.migrating,
  only: () => null,
});

/** As the state says it, but for the brokers that the operation at hand changes. */
export function directoriesIn(image: MetadataImage, change: StandingChange): Directories {
  if (finalizedMetadataVersion(image) < logDirectoriesVersion) return nothingKnown;
  const { brokers, offlineDirectories } = image.broker;
  const { registered, left } = change;
  const known = new Map([...(registered ?? []), ...(left ?? [])]);
  const namedBy = (broker: number): readonly Uuid[] => {
    const before = known.get(broker);
    if (before !== undefined) return before;
    const named = brokers.get(broker)?.logDirs ?? [];
    known.set(broker, named);
    return named;
  };
  const isFenced = (broker: number): boolean =>
    change.fenced?.includes(broker) === true ||
    (change.active?.get(broker) !== true && brokers.get(broker)?.fenced !== false);
  return {
    isLost: (broker, directory) => {
      const { migrating, unassigned, lost } = reservedDirectories;
      if (directory === migrating || directory === unassigned) return false;
      if (directory === lost) return true;
      const named = namedBy(broker);
      return named.length > 0 && !named.includes(directory);
    },
    ofNewReplica: (broker) => {
      const named = namedBy(broker);
      const [first] = named;
      if (first === undefined) return reservedDirectories.migrating;
      return named.length === 1 ? first : reservedDirectories.unassigned;
    },
    only: (broker) => {
      const named = namedBy(broker);
      if (named.length !== 1 || !isFenced(broker)) return null;
      // What is left of several may not be where a replica was that nobody has assigned.
      const hadOthers = left?.has(broker) === true || offlineDirectories.get(broker) !== null;
      return hadOthers && registered?.has(broker) !== true ? null : (named[0] ?? null);
    },
  };
}

/**
 * Whether a broker has replicas in a directory that is lost which nobody has acted upon yet: they are in an ISR or an
 * ELR; or they are to be in the only directory that it has.
 */
export function hasUnsettledDirectories(
  state: TopicState,
  broker: number,
  { isLost, only }: Directories,
): boolean {
  for (const [directory, { inSyncCount }] of brokerPartitions(state, broker).directories) {
    if (isLost(broker, directory) && (inSyncCount > 0 || only(broker) !== null)) return true;
  }
  return false;
}
