import type { ProblemInput } from '../../client/protocol/problem.ts';
import { dishonouredToken } from '../../metadata/resources/token/identity.ts';
import type { ControllerApi } from '../../runtime/controller-api.ts';
import type { Identity } from './identity.ts';

/**
 * Why whoever was let in is not let go on, by the committed image of this node; null when it is. For what lasts
 * longer than one request.
 */
export function findDishonoured(
  { tokenId }: Identity,
  controller: ControllerApi,
  nowMs: number,
): ProblemInput | null {
  if (tokenId === null) return null;
  const fate = dishonouredToken(controller.findToken?.(tokenId) ?? null, nowMs);
  return fate === null ? null : { code: 'SASL_AUTHENTICATION_FAILED', message: `The token ${fate}.` };
}
