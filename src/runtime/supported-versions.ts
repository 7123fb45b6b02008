import type { MetadataImage } from '../metadata/image.ts';
import { findUnsupported } from '../metadata/resources/feature/supported.ts';
import { understands } from '../raft/kraft-version.ts';
import type { VersionRange } from '../raft/replica-key.ts';
import type { SupportedVersions } from './node-options.ts';

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
