import type { MetadataImage } from '../metadata/image.ts';
import { builtInRegistry } from '../metadata/registry.ts';
import type { SupportedFeature } from '../metadata/resources/broker/records.ts';
import {
  featuresOfKinds,
  findUnsupported,
  kraftVersionFeature,
} from '../metadata/resources/feature/supported.ts';
import type { FeatureRange } from '../raft/bootstrap/messages.ts';
import { understands } from '../raft/kraft-version.ts';
import type { VersionRange } from '../raft/replica-key.ts';
import { type ControllerNodeOptions, type SupportedVersions, supportedVersions } from './node-options.ts';

/** What a node supports: what this software does, and the kinds that it was given. */
export function supportedBy({
  supported = supportedVersions,
  registry = builtInRegistry,
}: Pick<ControllerNodeOptions, 'supported' | 'registry'>): SupportedVersions {
  return { ...supported, features: [...supported.features, ...featuresOfKinds(registry)] };
}

/** Everything that a node supports, as it registers it: the protocol is one feature among others (KIP-853). */
export function registeredFeatures({
  features,
  kraftVersions,
}: SupportedVersions): readonly SupportedFeature[] {
  const { min, max } = kraftVersions;
  return [...features, { name: kraftVersionFeature, minSupportedVersion: min, maxSupportedVersion: max }];
}

/** … and as it says hello before there is a cluster, where the protocol has a field of its own. */
export function foundingFeatures({ features }: SupportedVersions): readonly FeatureRange[] {
  return features.map(({ name, minSupportedVersion, maxSupportedVersion }) => ({
    name,
    min: minSupportedVersion,
    max: maxSupportedVersion,
  }));
}

/** Why this node cannot follow a protocol of that version, or null. */
export function faultOfKRaftVersion(version: number, supported: VersionRange): string | null {
  if (understands(supported, version)) return null;
  return `kraft.version ${version}, and this node supports ${supported.min} to ${supported.max}`;
}

/** Why this node cannot read what stands behind such an image, or null. */
export function faultOfFeatures(
  image: MetadataImage,
  features: SupportedVersions['features'],
): string | null {
  const unsupported = findUnsupported(image, features);
  if (unsupported === null) return null;
  const { name, featureLevel } = unsupported;
  const range = features.find((feature) => feature.name === name);
  const known =
    range === undefined ? 'none of it' : `${range.minSupportedVersion} to ${range.maxSupportedVersion}`;
  return `${name} ${featureLevel}, and this node supports ${known}`;
}
