import { Type } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
import { answer, closed, defineOperation, nothing, schemas } from '../../define-operation.ts';
import { everyRole } from '../../roles.ts';
import { kraftVersionFeature } from './supported.ts';
import { findRefusal, levelOf, quorumChangeTo } from './update.ts';

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
  summary: 'Features that are finalized, and the levels that the controller which answers supports.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: nothing,
  query: nothing,
  body: nothing,
  response: closed({
    finalized: Type.Array(closed({ name: schemas.name, featureLevel: level, lastModified: schemas.offset })),
    supported: Type.Array(supportedRange),
    kraftVersion: level,
  }),
  errors: [],
  example: {
    response: {
      finalized: [{ name: 'metadata.version', featureLevel: 1, lastModified: 3 }],
      supported: [{ name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 1 }],
      kraftVersion: 1,
    },
  },
  handle: (image, _input, { quorum }) =>
    answer({
      finalized: [...image.feature.finalized.values()],
      supported: [...quorum.supported],
      kraftVersion: quorum.kraftVersion,
    }),
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
  body: closed({
    featureLevel: level,
    upgradeType: Type.Optional(
      Type.Union([Type.Literal('upgrade'), Type.Literal('safeDowngrade'), Type.Literal('unsafeDowngrade')]),
    ),
  }),
  response: closed({ name: schemas.name, featureLevel: level }),
  errors: ['INVALID_UPDATE_FEATURE', 'UNSUPPORTED_VERSION'],
  example: {
    params: { feature: 'metadata.version' },
    body: { featureLevel: 1 },
    response: { name: 'metadata.version', featureLevel: 1 },
  },
  handle: (image, { params, body }, { quorum }) => {
    const name = params.feature;
    const { featureLevel, upgradeType = 'upgrade' } = body;
    const refusal = findRefusal(image, quorum, { name, featureLevel, upgradeType });
    if (refusal !== null) return refusal;
    const before = image.feature.finalized.get(name);
    const response = { name, featureLevel };
    const modifiedOffset = before === null ? null : offset(before.lastModified);
    const isUnchanged = levelOf(image, quorum, name) === featureLevel;
    if (isUnchanged) return ok({ records: [], response, modifiedOffset });
    if (name === kraftVersionFeature) {
      const quorumChange = quorumChangeTo(image, quorum, featureLevel);
      return ok({ records: [], response, modifiedOffset, quorumChange });
    }
    return ok({
      records: [{ type: 'FeatureLevelRecord', name, featureLevel }],
      response,
      modifiedOffset,
    });
  },
});

export const operations = { describeFeatures, updateFeature } as const;
