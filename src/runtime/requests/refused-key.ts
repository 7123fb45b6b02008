import type { OperationDefinition } from '../../metadata/operation.ts';
import type { ControllerRequest } from '../controller-api.ts';

type Kind = OperationDefinition['kind'];
type Keys = Pick<ControllerRequest, 'idempotencyKey' | 'bareIdempotencyKey'>;

/**
 * Why an operation of this kind takes no key, where the request has one; null where all is well. A heartbeat that is
 * answered from memory would not be heard, and what the core or one node does is remembered nowhere: a promise of
 * exactly once is refused and never dropped without a word. A read under a key does no harm.
 */
export function findRefusedKey(operationId: string, kind: Kind, keys: Keys): string | null {
  const isKeyed = keys.idempotencyKey !== null || (keys.bareIdempotencyKey ?? null) !== null;
  if (!isKeyed || kind === 'write' || kind === 'read') return null;
  return kind === 'heartbeat'
    ? `${operationId} takes no Idempotency-Key: under a repeated one it would be answered from memory and not be heard. Send it without.`
    : `${operationId} takes no Idempotency-Key: it is remembered nowhere whether it was done. Send it without.`;
}

/** A condition that nothing could be held against is refused, and not dropped without a word. */
export function refusedCondition(operationId: string): string {
  return `${operationId} changes nothing that has an entity tag: send it without If-Match.`;
}
