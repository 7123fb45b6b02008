import { ok, failed, type Result } from '../base/result.ts';
import type { OperationDescription } from '../client/protocol/description.ts';
import { textToFields } from '../client/protocol/text-fields.ts';
import { assertClosed, compileCheck, type Check } from '../client/protocol/validation.ts';
import type { ControllerRequest } from '../runtime/controller-api.ts';

/** Input schemas compiled once, at start: one that would let unknown fields through stops the program. */
export type CompiledOperation = {
  readonly operation: OperationDescription;
  readonly checks: { readonly params: Check; readonly query: Check; readonly body: Check };
};

export function compileOperation(operation: OperationDescription): CompiledOperation {
  const { operationId, params, query, body } = operation;
  assertClosed(params, `${operationId}.params`);
  assertClosed(query, `${operationId}.query`);
  assertClosed(body, `${operationId}.body`);
  return {
    operation,
    checks: {
      params: compileCheck(params, 'path'),
      query: compileCheck(query, 'query'),
      body: compileCheck(body, 'body'),
    },
  };
}

/** Params, query and body as the operation's own schemas want them; the first two may still be texts. */
export function checkInput(
  compiled: CompiledOperation,
  givenParams: Readonly<Record<string, unknown>>,
  givenQuery: Readonly<Record<string, unknown>>,
  givenBody: unknown,
): Result<ControllerRequest['input'], string> {
  const { operation, checks } = compiled;
  const params = textToFields(operation.params, givenParams);
  const query = textToFields(operation.query, givenQuery);
  // A request without a body means one without any field.
  const body = givenBody ?? {};
  const complaint = checks.params(params) ?? checks.query(query) ?? checks.body(body);
  return complaint === null ? ok({ params, query, body }) : failed(complaint);
}

/** fastify parses path and query into objects without a prototype. */
export function fieldsOf(parsed: unknown): Readonly<Record<string, unknown>> {
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}
