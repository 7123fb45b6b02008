import type { OperationDescription } from '../../client/protocol/description.ts';
import type { ProblemInput } from '../../client/protocol/problem.ts';
import { isAllowed } from '../../metadata/roles.ts';
import type { Identity } from './identity.ts';

/** Why whoever asks may not call this operation at all; null when it may. */
export function findForbidden(
  { role }: Identity,
  { operationId, mayCall }: OperationDescription,
): ProblemInput | null {
  if (isAllowed(role, mayCall)) return null;
  const allowed = ['administrator', ...mayCall].join(', ');
  return {
    code: 'CLUSTER_AUTHORIZATION_FAILED',
    message: `The role ${role} may not call ${operationId}, which is for: ${allowed}.`,
  };
}

/** Why this call is another broker's to make; null when it is not. The input was checked against its schemas. */
export function findForeignBroker(
  { role, brokerId }: Identity,
  { operationId, speaksFor }: OperationDescription,
  input: { readonly params: unknown; readonly body: unknown },
): ProblemInput | null {
  if (role !== 'broker' || speaksFor === undefined) return null;
  const spokenFor = brokerIdIn(speaksFor === 'params.brokerId' ? input.params : input.body);
  if (spokenFor === brokerId) return null;
  return {
    code: 'CLUSTER_AUTHORIZATION_FAILED',
    message: `Who asks speaks for broker ${brokerId}, and ${operationId} was called for broker ${spokenFor}.`,
  };
}

function brokerIdIn(part: unknown): number | null {
  const isNamed = typeof part === 'object' && part !== null && 'brokerId' in part;
  return isNamed && typeof part.brokerId === 'number' ? part.brokerId : null;
}
