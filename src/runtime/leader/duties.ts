import type { BrokerId } from '../../base/brands.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { GroupMembership, InternalOperation, QuorumView } from '../../metadata/operation.ts';
import { expireBrokerSessions } from '../../metadata/resources/broker/expiry.ts';
import { findVoterUpdate } from '../../metadata/resources/controller/registration.ts';
import { expireGroupMembers } from '../../metadata/resources/group/expiry.ts';
import { bootstrapRecords, type FeatureLevel } from '../../metadata/resources/feature/supported.ts';
import { expireSessions, hasExpired } from '../../metadata/resources/session/expiry.ts';
import { unfinishedFencing } from '../../metadata/resources/topic/settling.ts';

/** What a new leader does before anything else: found the cluster's state, and finish what the last one left. */
export function dutiesAtStart(
  image: MetadataImage,
  founding: readonly FeatureLevel[],
): readonly InternalOperation[] {
  return image.feature.finalized.size === 0
    ? [foundation(founding), ...unfinishedFencing(image)]
    : unfinishedFencing(image);
}

/** The first data of a cluster is its `metadata.version`, as all of its founding voters support it (design 7). */
function foundation(founding: readonly FeatureLevel[]): InternalOperation {
  return {
    name: 'bootstrapFeatures',
    priority: 'fencing',
    handle: (image) => ({
      records: image.feature.finalized.size === 0 ? bootstrapRecords(founding) : [],
      continueWith: null,
    }),
  };
}

/** What has come about since the last look; it takes effect by record only. */
export function dutiesByTime(
  image: MetadataImage,
  wallMs: number,
  quorum: QuorumView,
): readonly InternalOperation[] {
  const duties = hasExpired(image, wallMs) ? [expireSessions] : [];
  return findVoterUpdate(image, quorum) === null ? duties : [...duties, updateVoter];
}

const updateVoter: InternalOperation = {
  name: 'updateVoter',
  priority: 'administration',
  handle: (image, { quorum }) => ({
    records: [],
    continueWith: null,
    quorumChange: findVoterUpdate(image, quorum),
  }),
};

/** What silence leads to, in the order in which it is done. */
export function fencingOf(
  brokers: readonly BrokerId[],
  members: readonly GroupMembership[],
): readonly InternalOperation[] {
  const ofBrokers = brokers.length === 0 ? [] : [expireBrokerSessions(brokers)];
  return members.length === 0 ? ofBrokers : [...ofBrokers, expireGroupMembers(members)];
}
