import type { QuorumChange, QuorumView } from '../../operation.ts';
import { refuse } from '../../define-operation.ts';
import type { MetadataImage } from '../../image.ts';
import type { SupportedFeature } from '../broker/records.ts';
import { isFeatureOfKind, kindOfFeature } from '../custom/kind.ts';
import { rowsOf } from '../custom/rows.ts';
import { describedBy } from '../controller/describe-voter.ts';
import {
  kraftVersionFeature,
  metadataVersionFeature,
  metadataVersionsOfRecords,
  supports,
} from './supported.ts';

/** What an operator asks for. `upgrade` never lowers a level, the others never raise one (KIP-584). */
export type FeatureUpdate = {
  readonly name: string;
  readonly featureLevel: number;
  readonly upgradeType: 'upgrade' | 'safeDowngrade' | 'unsafeDowngrade';
};

type Refused = ReturnType<typeof refuse>;

/** The level that is finalized now; 0 for none. */
export function levelOf(image: MetadataImage, quorum: QuorumView, name: string): number {
  if (name === kraftVersionFeature) return quorum.kraftVersion;
  return image.feature.finalized.get(name)?.featureLevel ?? 0;
}

/**
 * Why the level cannot be finalized, or null. Whoever has registered must support it, and every voter must have
 * registered: nobody is left behind by a level that it would have to stop at (KIP-584; KIP-853 for `kraft.version`).
 */
export function findRefusal(image: MetadataImage, quorum: QuorumView, update: FeatureUpdate): Refused | null {
  const { name, featureLevel } = update;
  if (!quorum.supported.some((feature) => feature.name === name)) {
    return invalid(`The controllers know no feature ${name}.`);
  }
  if (featureLevel === 0 && name === metadataVersionFeature) return invalid(`${name} cannot be removed.`);
  const before = levelOf(image, quorum, name);
  if (featureLevel === before) return null;
  const misdirected = featureLevel < before ? findUnsafety(image, update, before) : findRise(update, before);
  if (misdirected !== null) return misdirected;
  return featureLevel === 0 ? null : findNodeWithout(image, quorum, update);
}

function findRise({ name, upgradeType }: FeatureUpdate, before: number): Refused | null {
  return upgradeType === 'upgrade'
    ? null
    : invalid(`${name} is at level ${before}; a downgrade cannot raise it.`);
}

/** A downgrade must be asked for as one, and loses nothing that the state may hold (KIP-584, KIP-778). */
function findUnsafety(
  image: MetadataImage,
  { name, featureLevel, upgradeType }: FeatureUpdate,
  before: number,
): Refused | null {
  if (upgradeType === 'upgrade') {
    return invalid(`${name} is at level ${before}; a lower one must be asked for as a downgrade.`);
  }
  if (name === kraftVersionFeature) return invalid(`${name} is at level ${before}, and never goes back.`);
  if (isFeatureOfKind(name)) return findLoss(image, name, featureLevel);
  if (name !== metadataVersionFeature) return null;
  if (upgradeType === 'unsafeDowngrade') return invalid(`${name} allows no downgrade that loses anything.`);
  const losesRecords = metadataVersionsOfRecords.some((level) => level > featureLevel && level <= before);
  return losesRecords
    ? invalid(`${name} is at level ${before}; a lower one could lose what it brought.`)
    : null;
}

/** A kind goes back only over versions in which nothing stands, and is removed when it is empty. */
function findLoss(image: MetadataImage, feature: `kind.${string}`, featureLevel: number): Refused | null {
  for (const { key, version } of rowsOf(image, kindOfFeature(feature))?.values() ?? []) {
    if (version <= featureLevel) continue;
    const what = `${key} was written in version ${version} of it`;
    return invalid(`${feature} cannot go back to ${featureLevel}: ${what}. Delete it, or write it anew.`);
  }
  return null;
}

/** The first node that does not support the level, by name. */
function findNodeWithout(image: MetadataImage, quorum: QuorumView, update: FeatureUpdate): Refused | null {
  const { name, featureLevel } = update;
  for (const { controllerId, features } of image.controller.controllers.values()) {
    if (supports(features, name, featureLevel)) continue;
    return unsupported(`Controller ${controllerId}`, features, update, { controllerId });
  }
  const unheard = quorum.voters.find(({ id }) => image.controller.controllers.get(id) === null);
  if (unheard !== undefined) {
    const { id: controllerId } = unheard;
    const message = `Voter ${controllerId} has not registered, so that nobody knows which levels of ${name} it supports.`;
    return refuse('UNSUPPORTED_VERSION', message, { feature: name, featureLevel, controllerId });
  }
  if (!supports(quorum.supported, name, featureLevel)) {
    return unsupported('This controller', quorum.supported, update, {});
  }
  // A broker reads the state of brokers and topics, and nothing of the protocol by which controllers agree on it.
  if (name === kraftVersionFeature || isFeatureOfKind(name)) return null;
  for (const { brokerId, features } of image.broker.brokers.values()) {
    if (supports(features, name, featureLevel)) continue;
    return unsupported(`Broker ${brokerId}`, features, update, { brokerId });
  }
  return null;
}

function unsupported(
  who: string,
  ranges: readonly SupportedFeature[],
  { name, featureLevel }: FeatureUpdate,
  node: { readonly controllerId?: number; readonly brokerId?: number },
): Refused {
  const range = ranges.find((feature) => feature.name === name);
  const known =
    range === undefined
      ? 'and names no level of it'
      : `but ${range.minSupportedVersion} to ${range.maxSupportedVersion}`;
  const details = {
    ...node,
    feature: name,
    featureLevel,
    minSupportedVersion: range?.minSupportedVersion ?? null,
    maxSupportedVersion: range?.maxSupportedVersion ?? null,
  };
  const message = `${who} does not support level ${featureLevel} of ${name}, ${known}.`;
  return refuse('UNSUPPORTED_VERSION', message, details);
}

function invalid(message: string): Refused {
  return refuse('INVALID_UPDATE_FEATURE', message);
}

/** `kraft.version` comes into force with the log's first voter set, as its voters describe themselves now. */
export function quorumChangeTo(image: MetadataImage, quorum: QuorumView, kraftVersion: number): QuorumChange {
  const voters = quorum.voters.map((voter) => {
    const row = image.controller.controllers.get(voter.id);
    return row === null ? voter : describedBy(row, voter);
  });
  return { kraftVersion, voters };
}
