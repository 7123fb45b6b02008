import type { NodeId, Uuid } from '../../base/brands.ts';
import type { Endpoint, ReplicaKey, VersionRange } from '../replica-key.ts';

/** A feature and the levels of it that a node supports. Who does not name one knows its first level, or none. */
export type FeatureRange = VersionRange & { readonly name: string };

export type FoundingLevel = { readonly name: string; readonly level: number };

/** What a cluster is born with (design 7): it acts as the snapshot (0, 0). */
export type BootstrapDescriptor = {
  readonly clusterId: Uuid;
  readonly voters: readonly (ReplicaKey & {
    readonly endpoint: Endpoint;
    readonly kraftVersions: VersionRange;
  })[];
  /** The newest level of each feature that all of these voters name; the first leader finalizes it. */
  readonly featureLevels: readonly FoundingLevel[];
};

/** The conversation by which unformatted nodes agree on one descriptor, before any epoch exists. */
export type BootstrapMessage =
  | {
      /** Sent again and again by a node that is not started: who am I, what do I hold. */
      readonly type: 'bootstrapHello';
      readonly replica: ReplicaKey;
      readonly endpoint: Endpoint;
      readonly kraftVersions: VersionRange;
      readonly configuredVoterIds: readonly NodeId[];
      readonly state: 'unformatted' | 'formatted' | 'started';
      /** The descriptor this node holds durably. */
      readonly descriptor: BootstrapDescriptor | null;
      readonly features: readonly FeatureRange[];
    }
  | {
      /** The lowest configured id's proposal, which it has persisted. */
      readonly type: 'bootstrapPropose';
      readonly descriptor: BootstrapDescriptor;
    }
  | {
      /** The sender has persisted exactly this descriptor. */
      readonly type: 'bootstrapAccepted';
      readonly replica: ReplicaKey;
      readonly descriptor: BootstrapDescriptor;
    }
  | {
      /** Every configured voter holds the descriptor: whoever hears it persists `started`. */
      readonly type: 'bootstrapStart';
      readonly descriptor: BootstrapDescriptor;
    };
