import { Type } from 'typebox';
import { closed, schemas } from '../../define-operation.ts';
import { limits } from '../../limits.ts';

/** How nodes describe themselves over HTTP. */
export const listenerSchema = closed({
  name: schemas.name,
  host: Type.String({ minLength: 1, maxLength: 255 }),
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
  /** Kafka's: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  securityProtocol: Type.Optional(Type.Integer({ minimum: 0, maximum: 3 })),
});

export const listenersSchema = Type.Array(listenerSchema, {
  minItems: 1,
  maxItems: limits.listenersPerBrokerMax,
});

export const supportedFeatureSchema = closed({
  name: schemas.name,
  minSupportedVersion: Type.Integer({ minimum: 0, maximum: 32_767 }),
  maxSupportedVersion: Type.Integer({ minimum: 0, maximum: 32_767 }),
});

export const supportedFeaturesSchema = Type.Array(supportedFeatureSchema, {
  maxItems: limits.featuresPerNodeMax,
});
