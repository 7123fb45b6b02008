import type { QuorumVoter } from '../../operation.ts';
import { kraftVersionFeature } from '../feature/supported.ts';
import type { ControllerRow } from './resource.ts';

/** The voter with the endpoint and the protocols that its registration names. */
export function describedBy({ endPoints, features }: ControllerRow, voter: QuorumVoter): QuorumVoter {
  const [endPoint] = endPoints;
  const range = features.find(({ name }) => name === kraftVersionFeature);
  return {
    ...voter,
    endpoint: endPoint === undefined ? voter.endpoint : { host: endPoint.host, port: endPoint.port },
    kraftVersions:
      range === undefined
        ? voter.kraftVersions
        : { min: range.minSupportedVersion, max: range.maxSupportedVersion },
  };
}
