import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { InvariantViolation } from '../base/assert.ts';
import { apiPrefix, problemContentType } from '../client/protocol/headers.ts';
import { makeProblem, type ProblemInput } from '../client/protocol/problem.ts';
import type { Logger } from '../ports/logger.ts';
import type { ControllerApi } from '../runtime/controller-api.ts';
import { ownStanding, sendNothing, sendOwnProblem } from './answers.ts';
import type { HttpLimits } from './options.ts';
import type { RouteMethods } from './route-methods.ts';

/** What went wrong before or beside a handler becomes an error of the catalogue, like all others. */
export function sendFrameworkError(
  error: FastifyError,
  reply: FastifyReply,
  context: { readonly controller: ControllerApi; readonly limits: HttpLimits; readonly logger: Logger },
): void {
  if (error instanceof InvariantViolation) {
    // A bug is not answered and carried on from: thrown here it reaches no handler and ends the process.
    setImmediate(() => {
      throw error;
    });
    return;
  }
  sendOwnProblem(reply, context.controller, describe(error, context.limits, context.logger));
}

function describe(error: FastifyError, limits: HttpLimits, logger: Logger): ProblemInput {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return {
      code: 'REQUEST_TOO_LARGE',
      message: `The body is larger than ${limits.bodyBytesMax} bytes. Split the request.`,
    };
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return {
      code: 'INVALID_REQUEST',
      message: 'The body must be JSON, sent as Content-Type: application/json.',
    };
  }
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) {
    return { code: 'INVALID_REQUEST', message: `The request cannot be read: ${error.message}` };
  }
  logger.error('http-handler-failed', { code: error.code ?? null, message: error.message });
  return {
    code: 'UNKNOWN_SERVER_ERROR',
    message: 'The server met an error that it did not expect; see its log.',
  };
}

/** Nothing is at the path, or nothing that understands the method: then the answer names those that do. */
export function sendNotFound(
  request: FastifyRequest,
  reply: FastifyReply,
  controller: ControllerApi,
  routes: RouteMethods,
): void {
  const path = request.url.split('?')[0] ?? '';
  const methods = routes.methodsAt(path);
  if (methods.length > 0) {
    reply.header('allow', methods.join(', '));
    if (request.method === 'OPTIONS') sendNothing(reply, ownStanding(controller.status()));
    else {
      const message = `${path} does not understand ${request.method}, but ${methods.join(', ')}.`;
      sendOwnProblem(reply, controller, { code: 'METHOD_NOT_ALLOWED', message });
    }
    return;
  }
  const hint = path.startsWith(`${apiPrefix}/`) ? '' : ` Operations stand below ${apiPrefix}.`;
  sendOwnProblem(reply, controller, {
    code: 'RESOURCE_NOT_FOUND',
    message: `There is no ${request.method} ${path}.${hint}`,
  });
}

const statusText: Readonly<Record<number, string>> = { 400: 'Bad Request', 413: 'Content Too Large' };

/** What cannot be parsed as HTTP at all gets its answer on the bare socket, which is closed after it. */
export function answerBrokenHttp(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const problem = makeProblem({
    code: isTooLarge ? 'REQUEST_TOO_LARGE' : 'INVALID_REQUEST',
    message: isTooLarge
      ? 'The headers of the request are too large.'
      : 'What arrived is not a complete HTTP request.',
  });
  const body = JSON.stringify(problem);
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${statusText[problem.status] ?? 'Error'}`,
      `Content-Type: ${problemContentType}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
