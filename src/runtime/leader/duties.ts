import type { BrokerId } from '../../base/brands.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { InternalOperation } from '../../metadata/operation.ts';
import { expireBrokerSessions } from '../../metadata/resources/broker/expiry.ts';
import { bootstrapRecords } from '../../metadata/resources/feature/supported.ts';
import { expireSessions, hasExpired } from '../../metadata/resources/session/expiry.ts';
import { unfinishedFencing } from '../../metadata/resources/topic/settling.ts';

/** What a new leader does before anything else: found the cluster's state, and finish what the last one left. */
export function dutiesAtStart(image: MetadataImage): readonly InternalOperation[] {
  return image.feature.finalized.size === 0
    ? [foundation, ...unfinishedFencing(image)]
    : unfinishedFencing(image);
}

/** The first data of a cluster is its `metadata.version` (design 7). */
const foundation: InternalOperation = {
  name: 'bootstrapFeatures',
  priority: 'fencing',
  handle: (image) => ({
    records: image.feature.finalized.size === 0 ? bootstrapRecords() : [],
    continueWith: null,
  }),
};

/** What time has brought about; it takes effect by record only. */
export function dutiesByTime(image: MetadataImage, wallMs: number): readonly InternalOperation[] {
  return hasExpired(image, wallMs) ? [expireSessions] : [];
}

export function fencingOf(brokers: readonly BrokerId[]): InternalOperation {
  return expireBrokerSessions(brokers);
}
