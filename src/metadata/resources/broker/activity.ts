import type { Uuid } from '../../../base/brands.ts';
import type { MetadataImage } from '../../image.ts';
import { type Directories, directoriesIn } from './directories.ts';

/**
 * Whether a broker may lead and may be in an ISR: it is registered, not fenced and not in controlled
 * shutdown (Kafka: "active").
 */
export type Activity = (broker: number) => boolean;

/** Of each broker, what decides who may lead. */
export type Standing = {
  readonly isActive: Activity;
  /**
   * Its last incarnation may have lost what it held: it leaves every ISR and ELR before it may be unfenced
   * (protocols 3). Nobody is this and active.
   */
  readonly isUnclean: Activity;
  /** It is registered and not fenced, so that it may hold a lease and acknowledge records, leaving or not. */
  readonly mayServe: Activity;
  /**
   * The directory in which it had its replica is gone, and what was there with it. Of no partition in particular:
   * nobody.
   */
  readonly hasLost: Activity;
  readonly directories: Directories;
};

/** How it will be for brokers that the operation at hand changes. */
export type StandingChange = {
  readonly active?: ReadonlyMap<number, boolean>;
  readonly fenced?: readonly number[];
  readonly unclean?: readonly number[];
  /** Directories that a broker registers, and those that are left to one of which some went offline. */
  readonly registered?: ReadonlyMap<number, readonly Uuid[]>;
  readonly left?: ReadonlyMap<number, readonly Uuid[]>;
};

export function standingOf(image: MetadataImage, change: StandingChange = {}): Standing {
  const { active = new Map<number, boolean>(), fenced = [], unclean = [] } = change;
  const { brokers, uncleanShutdowns } = image.broker;
  const inactive = fenced.map((broker) => [broker, false] as const);
  return {
    isActive: activityOf(image, new Map([...active, ...inactive])),
    isUnclean: (broker) => unclean.includes(broker) || uncleanShutdowns.get(broker) !== null,
    mayServe: (broker) => !fenced.includes(broker) && brokers.get(broker)?.fenced === false,
    hasLost: () => false,
    directories: directoriesIn(image, change),
  };
}

/** `changed` says how it will be for brokers that the operation at hand changes. */
export function activityOf(image: MetadataImage, changed?: ReadonlyMap<number, boolean>): Activity {
  const known = new Map<number, boolean>(changed);
  return (broker) => {
    const before = known.get(broker);
    if (before !== undefined) return before;
    const row = image.broker.brokers.get(broker);
    const isActive = row !== null && !row.fenced && !row.inControlledShutdown;
    known.set(broker, isActive);
    return isActive;
  };
}
