import type { Static } from 'typebox';
import type { EndPoint, SupportedFeature } from './records.ts';
import type { listenersSchema, supportedFeaturesSchema } from './schemas.ts';

type Listeners = Static<typeof listenersSchema>;

export function endPointsOf(listeners: Listeners): readonly EndPoint[] {
  return listeners.map(({ name, host, port, securityProtocol = 0 }) => ({
    name,
    host,
    port,
    securityProtocol,
  }));
}

export function listenersOf(endPoints: readonly EndPoint[]): EndPoint[] {
  return endPoints.map((endPoint) => ({ ...endPoint }));
}

/** Why a node's description of itself makes no sense, or null. */
export function findNodeFault(
  listeners: Listeners,
  features: Static<typeof supportedFeaturesSchema>,
): string | null {
  if (new Set(listeners.map((listener) => listener.name)).size < listeners.length) {
    return 'Two listeners have the same name.';
  }
  if (new Set(features.map((feature) => feature.name)).size < features.length) {
    return 'A feature is named twice.';
  }
  const reversed = features.find((feature) => feature.minSupportedVersion > feature.maxSupportedVersion);
  return reversed === undefined ? null : `The range of ${reversed.name} is empty.`;
}

export function sameEndPoints(left: readonly EndPoint[], right: readonly EndPoint[]): boolean {
  return (
    left.length === right.length &&
    left.every((endPoint, at) => {
      const other = right[at];
      return (
        other !== undefined &&
        endPoint.name === other.name &&
        endPoint.host === other.host &&
        endPoint.port === other.port &&
        endPoint.securityProtocol === other.securityProtocol
      );
    })
  );
}

export function sameFeatures(left: readonly SupportedFeature[], right: readonly SupportedFeature[]): boolean {
  return (
    left.length === right.length &&
    left.every((feature, at) => {
      const other = right[at];
      return (
        other !== undefined &&
        feature.name === other.name &&
        feature.minSupportedVersion === other.minSupportedVersion &&
        feature.maxSupportedVersion === other.maxSupportedVersion
      );
    })
  );
}

export function sameTexts(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((text, at) => text === right[at]);
}
