import type { MetadataImage } from '../../image.ts';
import type { Registry } from '../../registry.ts';
import { featureOfKind, isFeatureOfKind } from '../custom/kind.ts';
import type { SupportedFeature } from '../broker/records.ts';
import type { FeatureLevelRecord } from './resource.ts';

/** The feature by which new record versions are gated (design 4). */
export const metadataVersionFeature = 'metadata.version';

/** The version of the Raft protocol: finalized by control records of the log, and not by a `FeatureLevelRecord`. */
export const kraftVersionFeature = 'kraft.version';

/** What this software supports: every level from minimum to maximum. */
export const supportedFeatures: readonly SupportedFeature[] = Object.freeze([
  Object.freeze({ name: metadataVersionFeature, minSupportedVersion: 1, maxSupportedVersion: 2 }),
]);

/**
 * Levels of `metadata.version` after the first that brought a record, or a new version of one: below such a level the
 * state may hold what cannot be written any more (Kafka: MetadataVersion.didMetadataChange). A test compares them with
 * the records.
 */
export const metadataVersionsOfRecords: readonly number[] = Object.freeze([2]);

/** From this level on partitions have eligible leader replicas (Kafka: eligible.leader.replicas.version 1). */
export const eligibleLeaderReplicasVersion = 2;

/** From this level on the controller acts on what brokers say of their log directories (Kafka: 3.7-IV2). */
export const logDirectoriesVersion = 2;

/** Level of `metadata.version` before it is finalized, and what a node supports that does not say. */
export const firstMetadataVersion = 1;

export type FeatureLevel = { readonly name: string; readonly level: number };

/**
 * The first data of a log, appended by its first leader (design 7). `founding` is what all voters that the cluster
 * is born with support, as its bootstrap descriptor says; `metadata.version` comes first.
 */
export function bootstrapRecords(founding: readonly FeatureLevel[] = []): readonly FeatureLevelRecord[] {
  const level = founding.find(({ name }) => name === metadataVersionFeature)?.level ?? firstMetadataVersion;
  const others = founding.filter((feature) => feature.name !== metadataVersionFeature && feature.level > 0);
  return [{ name: metadataVersionFeature, level }, ...others].map((feature) => ({
    type: 'FeatureLevelRecord',
    name: feature.name,
    featureLevel: feature.level,
  }));
}

export function finalizedMetadataVersion(image: MetadataImage): number {
  return image.feature.finalized.get(metadataVersionFeature)?.featureLevel ?? firstMetadataVersion;
}

/** Whether a node with these ranges can live with `level` of the feature. */
export function supports(ranges: readonly SupportedFeature[], name: string, level: number): boolean {
  const range = ranges.find((candidate) => candidate.name === name);
  if (range !== undefined) return range.minSupportedVersion <= level && level <= range.maxSupportedVersion;
  // Who does not name `metadata.version` knows the first one; who does not name another knows it not at all.
  return name === metadataVersionFeature ? level === firstMetadataVersion : level === 0;
}

/** The first finalized feature whose level a controller with these ranges does not support; null when it can join. */
export function findUnsupported(
  image: MetadataImage,
  ranges: readonly SupportedFeature[],
): FinalizedFeature | null {
  for (const row of image.feature.finalized.values()) {
    if (!supports(ranges, row.name, row.featureLevel)) return row;
  }
  return null;
}

/** The same for a broker, to whom the kinds that users have defined for their controllers are all one. */
export function findUnsupportedByBroker(
  image: MetadataImage,
  ranges: readonly SupportedFeature[],
): FinalizedFeature | null {
  for (const row of image.feature.finalized.values()) {
    if (!isFeatureOfKind(row.name) && !supports(ranges, row.name, row.featureLevel)) return row;
  }
  return null;
}

type FinalizedFeature = { readonly name: string; readonly featureLevel: number };

/** A controller supports every version of its kinds up to that of their definition. */
export function featuresOfKinds({ kinds }: Registry): readonly SupportedFeature[] {
  return Array.from(kinds.values(), ({ kind }) => ({
    name: featureOfKind(kind.name),
    minSupportedVersion: 1,
    maxSupportedVersion: kind.version,
  }));
}
