import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { apiPrefix } from '../client/protocol/headers.ts';
import type { OperationDescription } from '../client/protocol/description.ts';
import { textToFields } from '../client/protocol/text-fields.ts';
import type { NodeId } from '../base/brands.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { ControllerApi, ControllerRequest } from '../runtime/controller-api.ts';
import { sendAnswer, sendOwnProblem } from './answers.ts';
import { readConventions } from './conventions.ts';
import type { HttpLimits } from './options.ts';
import { principalOf } from './principal.ts';
import type { Submissions } from './submissions.ts';
import { assertClosed, compileCheck, type Check } from '../client/protocol/validation.ts';

export type RouteContext = {
  readonly controller: ControllerApi;
  /** A node keeps its id for life, and asking for its whole status with every answer would cost. */
  readonly nodeId: NodeId;
  readonly submissions: Submissions;
  readonly limits: HttpLimits;
};

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

/** Below `/v1`, with `{name}` written as fastify wants it. */
export function routePath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** One route for one operation of the image: check, submit, answer. */
export function addOperationRoute(
  app: FastifyInstance,
  operation: OperationDescription,
  context: RouteContext,
): void {
  const compiled = compileOperation(operation);
  app.route({
    method: operation.method,
    url: apiPrefix + routePath(operation.path),
    handler: (request, reply) => handle(compiled, request, reply, context),
  });
}

function handle(
  compiled: CompiledOperation,
  request: FastifyRequest,
  reply: FastifyReply,
  context: RouteContext,
): void {
  const { controller, submissions } = context;
  const { operation } = compiled;
  const accepted = acceptRequest(compiled, request, context);
  if (!accepted.ok) {
    sendOwnProblem(reply, controller, { code: 'INVALID_REQUEST', message: accepted.error });
    return;
  }
  if (!submissions.hasRoom(operation.priority)) {
    sendOwnProblem(reply, controller, {
      code: 'THROTTLING_QUOTA_EXCEEDED',
      message: `${submissions.pendingCount} requests are pending on this node. Nothing was changed; send this one again a little later.`,
    });
    return;
  }
  submissions.submit(accepted.value, (outcome) => {
    if (outcome.type === 'answered') {
      sendAnswer(reply, context.nodeId, outcome.answer, operation.successStatus ?? 200);
    } else sendSilence(reply, operation, accepted.value, context);
  });
}

/** Everything that can be refused without asking the controller. */
function acceptRequest(
  compiled: CompiledOperation,
  request: FastifyRequest,
  context: RouteContext,
): Result<Omit<ControllerRequest, 'requestId'>, string> {
  const { operation } = compiled;
  const { headers } = request;
  const read = readConventions({ query: fieldsOf(request.query), headers }, operation.kind, context.limits);
  if (!read.ok) return read;
  const { conventions, ownQuery } = read.value;
  if (conventions.bareIdempotencyKey !== null && context.controller.acceptsBareIdempotencyKeys !== true) {
    return failed(
      'This server remembers keys of sessions only: open a session and send Idempotency-Key: <sessionId>:<sequence>.',
    );
  }
  const input = checkInput(compiled, request, ownQuery);
  if (!input.ok) return input;
  return ok({
    operationId: operation.operationId,
    input: input.value,
    principal: principalOf(request),
    ...conventions,
  });
}

/** Params, query and body as the operation's own schemas want them. */
export function checkInput(
  compiled: CompiledOperation,
  request: Pick<FastifyRequest, 'params' | 'body'>,
  ownQuery: Readonly<Record<string, unknown>>,
): Result<ControllerRequest['input'], string> {
  const { operation, checks } = compiled;
  const params = textToFields(operation.params, fieldsOf(request.params));
  const query = textToFields(operation.query, ownQuery);
  // A request without a body means one without any field.
  const body = request.body ?? {};
  const complaint = checks.params(params) ?? checks.query(query) ?? checks.body(body);
  return complaint === null ? ok({ params, query, body }) : failed(complaint);
}

/** fastify parses both into objects without a prototype. */
export function fieldsOf(parsed: unknown): Readonly<Record<string, unknown>> {
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}

/**
 * The controller owes an answer within the timeout and gave none. Whether it has appended a write cannot be
 * known here, and unknown is reported as unknown (design 10).
 */
function sendSilence(
  reply: FastifyReply,
  operation: OperationDescription,
  request: Omit<ControllerRequest, 'requestId'>,
  context: RouteContext,
): void {
  const isRead = operation.kind === 'read';
  const keyAdvice =
    request.idempotencyKey === null && (request.bareIdempotencyKey ?? null) === null
      ? 'Read back before you send it again.'
      : 'Send it again under the same idempotency key.';
  sendOwnProblem(reply, context.controller, {
    code: isRead ? 'REQUEST_TIMED_OUT' : 'OUTCOME_UNKNOWN',
    message: isRead
      ? `The read was not confirmed within ${request.timeoutMs} ms.`
      : `The write was not confirmed within ${request.timeoutMs} ms and may still take effect. ${keyAdvice}`,
  });
}
