import { Compile, type Validator } from 'typebox/compile';
import type { RegisteredOperation } from '../../metadata/operations.ts';
import type { ControllerRequest } from '../controller-api.ts';

/**
 * What is wrong with an input that came from another controller, or null. HTTP checks what clients send
 * before it is passed on; the leader checks it again, because it may run another version.
 */
export function findInputFault(
  operation: Checked | undefined,
  input: ControllerRequest['input'],
): string | null {
  if (operation === undefined) return null;
  const validators = validatorsOf(operation);
  if (!validators.params.Check(input.params)) return 'the parameters do not match the schema';
  if (!validators.query.Check(input.query)) return 'the query does not match the schema';
  if (!validators.body.Check(input.body)) return 'the body does not match the schema';
  return null;
}

type Checked = Pick<RegisteredOperation, 'params' | 'query' | 'body'>;
type Validators = { readonly params: Validator; readonly query: Validator; readonly body: Validator };

/** Compiled when an operation is first passed on: they follow from the operation, so that keeping them is safe. */
const compiled = new WeakMap<Checked, Validators>();

function validatorsOf(operation: Checked): Validators {
  const known = compiled.get(operation);
  if (known !== undefined) return known;
  const { params, query, body } = operation;
  const made: Validators = { params: Compile(params), query: Compile(query), body: Compile(body) };
  compiled.set(operation, made);
  return made;
}
