import { Type } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
import { answer, closed, defineOperation, nothing, refuse, schemas } from '../../define-operation.ts';
import { everyRole } from '../../roles.ts';
import type { MetadataImage } from '../../image.ts';
import { metadataVersionFeature, supportedFeatures, supports } from './supported.ts';

const level = Type.Integer({ minimum: 0, maximum: 32_767 });

const supportedRange = closed({
  name: schemas.name,
  minSupportedVersion: level,
  maxSupportedVersion: level,
});

export const describeFeatures = defineOperation({
  operationId: 'describeFeatures',
  method: 'GET',
  path: '/features',
  summary: 'Features that are finalized, and the levels that the controllers support.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: nothing,
  query: nothing,
  body: nothing,
  response: closed({
    finalized: Type.Array(closed({ name: schemas.name, featureLevel: level, lastModified: schemas.offset })),
    supported: Type.Array(supportedRange),
  }),
  errors: [],
  handle: (image) =>
    answer({ finalized: [...image.feature.finalized.values()], supported: [...supportedFeatures] }),
});

export const updateFeature = defineOperation({
  operationId: 'updateFeature',
  method: 'PUT',
  path: '/features/{feature}',
  summary: 'Finalize a level of a feature, when every registered node supports it. Level 0 removes it.',
  kind: 'write',
  priority: 'administration',
  mayCall: [],
  params: closed({ feature: schemas.name }),
  query: nothing,
  body: closed({ featureLevel: level }),
  response: closed({ name: schemas.name, featureLevel: level }),
  errors: ['INVALID_UPDATE_FEATURE'],
  handle: (image, { params, body }) => {
    const name = params.feature;
    const { featureLevel } = body;
    const fault = findFault(image, name, featureLevel);
    if (fault !== null) return refuse('INVALID_UPDATE_FEATURE', fault);
    const before = image.feature.finalized.get(name);
    const response = { name, featureLevel };
    const modifiedOffset = before === null ? null : offset(before.lastModified);
    const isUnchanged = (before?.featureLevel ?? 0) === featureLevel;
    if (isUnchanged) return ok({ records: [], response, modifiedOffset });
    return ok({
      records: [{ type: 'FeatureLevelRecord', name, featureLevel }],
      response,
      modifiedOffset,
    });
  },
});

/** Why the level cannot be finalized, or null. */
function findFault(image: MetadataImage, name: string, featureLevel: number): string | null {
  if (!supportedFeatures.some((feature) => feature.name === name)) {
    return `The controllers know no feature ${name}.`;
  }
  if (featureLevel === 0 && name === metadataVersionFeature) return `${name} cannot be removed.`;
  const before = image.feature.finalized.get(name)?.featureLevel ?? 0;
  if (featureLevel === 0) return null;
  if (featureLevel < before) return `${name} is at level ${before}; a lower one could lose what it brought.`;
  if (!supports(supportedFeatures, name, featureLevel)) {
    return `This controller does not support level ${featureLevel} of ${name}.`;
  }
  for (const controller of image.controller.controllers.values()) {
    if (!supports(controller.features, name, featureLevel)) {
      return `Controller ${controller.controllerId} does not support level ${featureLevel} of ${name}.`;
    }
  }
  for (const broker of image.broker.brokers.values()) {
    if (!supports(broker.features, name, featureLevel)) {
      return `Broker ${broker.brokerId} does not support level ${featureLevel} of ${name}.`;
    }
  }
  return null;
}

export const operations = { describeFeatures, updateFeature } as const;
