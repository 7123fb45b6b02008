import type { SupportedFeature } from '../src/metadata/resources/broker/records.ts';
import type { SupportedVersions } from '../src/runtime/node-options.ts';

const firstMetadataVersionAlone = {
  name: 'metadata.version',
  minSupportedVersion: 1,
  maxSupportedVersion: 1,
} as const;

/** The level of `metadata.version` that the newer release brings: one more than this software has. */
export const newMetadataVersion = 3;

/**
 * Releases of the controller's software. The oldest one understands no voter sets in the log, the one between does.
 * The newer one knows a level of `metadata.version` that is not there yet in truth, and that changes no record: what
 * is tried is how a cluster comes to it, and that nobody is left behind.
 */
export const releases = {
  oldest: { kraftVersions: { min: 0, max: 0 }, features: [firstMetadataVersionAlone] },
  between: { kraftVersions: { min: 0, max: 1 }, features: [firstMetadataVersionAlone] },
  newer: {
    kraftVersions: { min: 0, max: 1 },
    features: [{ name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: newMetadataVersion }],
  },
} as const satisfies Record<string, SupportedVersions>;

export type OlderRelease = Exclude<keyof typeof releases, 'newer'>;

/** What brokers, and controllers that operators register by hand, say of themselves: they never hold a cluster back. */
export const newerFeatures: readonly SupportedFeature[] = [
  ...releases.newer.features,
  { name: 'kraft.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
];
