import { Value } from 'typebox/value';
import type { RegisteredOperation } from '../../metadata/operations.ts';
import type { ControllerRequest } from '../controller-api.ts';

/**
 * What is wrong with an input that came from another controller, or null. HTTP checks what clients send
 * before it is passed on; the leader checks it again, because it may run another version.
 */
export function findInputFault(
  operation: RegisteredOperation | undefined,
  input: ControllerRequest['input'],
): string | null {
  if (operation === undefined) return null;
  if (!Value.Check(operation.params, input.params)) return 'the parameters do not match the schema';
  if (!Value.Check(operation.query, input.query)) return 'the query does not match the schema';
  if (!Value.Check(operation.body, input.body)) return 'the body does not match the schema';
  return null;
}
