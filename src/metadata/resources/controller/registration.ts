import type { Static } from 'typebox';
import { closed, schemas } from '../../define-operation.ts';
import type { MetadataImage } from '../../image.ts';
import type { QuorumChange, QuorumView, QuorumVoter } from '../../operation.ts';
import { endPointsOf, sameEndPoints, sameFeatures } from '../broker/describe-node.ts';
import { listenersSchema, supportedFeaturesSchema } from '../broker/schemas.ts';
import { kraftVersionFeature, supports } from '../feature/supported.ts';
import { describedBy } from './describe-voter.ts';

/** What a controller says of itself. Its incarnation is its disk: the directory id that voter sets name it by. */
export const controllerRegistration = closed({
  controllerId: schemas.brokerId,
  incarnationId: schemas.uuid,
  listeners: listenersSchema,
  features: supportedFeaturesSchema,
});

export type ControllerRegistration = Static<typeof controllerRegistration>;

/** Whether the state has exactly this of the controller already. */
export function isRegisteredAs(image: MetadataImage, registration: ControllerRegistration): boolean {
  const row = image.controller.controllers.get(registration.controllerId);
  return (
    row !== null &&
    row.incarnationId === registration.incarnationId &&
    sameEndPoints(row.endPoints, endPointsOf(registration.listeners)) &&
    sameFeatures(row.features, registration.features)
  );
}

/**
 * The voter set with the first voter in it that has registered, on its present disk, with another endpoint or other
 * protocols than the set names; null when there is none (KIP-853, UpdateVoter: a voter compares itself with the set
 * at its start and tells the leader, which changes one voter at a time).
 */
export function findVoterUpdate(image: MetadataImage, quorum: QuorumView): QuorumChange | null {
  const { kraftVersion, voters, isChanging } = quorum;
  // A log without voter sets takes none because of an endpoint, and no log takes one on top of another's change.
  if (kraftVersion === 0 || isChanging) return null;
  for (const [at, voter] of voters.entries()) {
    const row = image.controller.controllers.get(voter.id);
    if (row === null || row.incarnationId !== voter.directoryId) continue;
    if (!supports(row.features, kraftVersionFeature, kraftVersion)) continue;
    const described = describedBy(row, voter);
    if (!isDescribed(voter, described)) return { kraftVersion: null, voters: voters.with(at, described) };
  }
  return null;
}

function isDescribed(left: QuorumVoter, right: QuorumVoter): boolean {
  return (
    left.endpoint.host === right.endpoint.host &&
    left.endpoint.port === right.endpoint.port &&
    left.kraftVersions.min === right.kraftVersions.min &&
    left.kraftVersions.max === right.kraftVersions.max
  );
}
