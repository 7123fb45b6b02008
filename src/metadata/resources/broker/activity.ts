import type { MetadataImage } from '../../image.ts';

/**
 * Whether a broker may lead and may be in an ISR: it is registered, not fenced and not in controlled
 * shutdown (Kafka: "active").
 */
export type Activity = (broker: number) => boolean;

/**
 * Which brokers' last incarnation may have lost what it held: they leave every ISR and ELR before they may be unfenced
 * (protocols 3). `changed` is one of which the operation at hand says so.
 */
export function uncleanShutdownsOf(image: MetadataImage, changed: number | null = null): Activity {
  const { uncleanShutdowns } = image.broker;
  return (broker) => broker === changed || uncleanShutdowns.get(broker) !== null;
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
