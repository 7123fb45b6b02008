import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { apiPrefix, headerNames } from '../client/protocol/headers.ts';
import type { ProblemInput } from '../client/protocol/problem.ts';
import { failed, ok, type Result } from '../base/result.ts';
import type { OperationDescription } from '../client/protocol/description.ts';
import type { ControllerAnswer, ControllerRequest } from '../runtime/controller-api.ts';
import { sendAnswer, sendNotModified, sendOwnProblem } from './answers.ts';
import { checkInput, fieldsOf, type CompiledOperation } from './compiled-operation.ts';
import { findForbidden, findForeignBroker, identityOf } from './authentication/index.ts';
import { answersNotModified, namesTag } from './entity-tags.ts';
import { readConventions } from './conventions.ts';
import { findForgottenKey, noRoom, routePath, silence, type RouteContext } from './route-context.ts';

/** One route for one operation of the image: check, submit, answer. */
export function addOperationRoute(
  app: FastifyInstance,
  compiled: CompiledOperation,
  context: RouteContext,
): void {
  const { operation } = compiled;
  app.route({
    method: operation.method,
    url: apiPrefix + routePath(operation.path),
    config: { isHeartbeat: operation.kind === 'heartbeat' },
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
    sendOwnProblem(reply, controller, accepted.error);
    return;
  }
  if (!submissions.hasRoom(operation.priority)) {
    sendOwnProblem(reply, controller, noRoom(submissions.pendingCount));
    return;
  }
  if (accepted.value.validateOnly === true) reply.header(headerNames.validateOnly, 'true');
  submissions.submit(accepted.value, (outcome) => {
    if (outcome.type === 'answered') {
      const { answer } = outcome;
      if (isKnown(operation, request, answer)) sendNotModified(reply, context.nodeId, answer);
      else sendAnswer(reply, context.nodeId, answer, operation.successStatus ?? 200);
    } else sendOwnProblem(reply, controller, silence(operation, accepted.value));
  });
}

/** Whoever asks has the very answer, and says so by its tag. */
function isKnown(
  operation: OperationDescription,
  request: FastifyRequest,
  { result, modifiedOffset }: ControllerAnswer,
): boolean {
  if (!result.ok || modifiedOffset === undefined || modifiedOffset === null) return false;
  return answersNotModified(operation) && namesTag(request.headers['if-none-match'], modifiedOffset);
}

/** Everything that can be refused without asking the controller. */
function acceptRequest(
  compiled: CompiledOperation,
  request: FastifyRequest,
  context: RouteContext,
): Result<Omit<ControllerRequest, 'requestId'>, ProblemInput> {
  const { operation } = compiled;
  const { headers } = request;
  const identity = identityOf(request);
  const forbidden = findForbidden(identity, operation);
  if (forbidden !== null) return failed(forbidden);
  const read = readConventions({ query: fieldsOf(request.query), headers }, operation.kind, context.limits);
  if (!read.ok) return failed(invalid(read.error));
  const { conventions, ownQuery } = read.value;
  const forgotten = findForgottenKey(conventions, context);
  if (forgotten !== null) return failed(invalid(forgotten));
  const input = checkInput(compiled, fieldsOf(request.params), ownQuery, request.body);
  if (!input.ok) return failed(invalid(input.error));
  const foreign = findForeignBroker(identity, operation, input.value);
  if (foreign !== null) return failed(foreign);
  return ok({
    operationId: operation.operationId,
    input: input.value,
    principal: identity.principal,
    tokenId: identity.tokenId,
    ...conventions,
  });
}

function invalid(message: string): ProblemInput {
  return { code: 'INVALID_REQUEST', message };
}
