import type { NodeId } from '../base/brands.ts';
import type { OperationDescription } from '../client/protocol/description.ts';
import type { ProblemInput } from '../client/protocol/problem.ts';
import type { ControllerApi, ControllerRequest } from '../runtime/controller-api.ts';
import type { Conventions } from './conventions.ts';
import type { HttpLimits } from './options.ts';
import type { Submissions } from './submissions.ts';

export type RouteContext = {
  readonly controller: ControllerApi;
  /** A node keeps its id for life, and asking for its whole status with every answer would cost. */
  readonly nodeId: NodeId;
  readonly submissions: Submissions;
  readonly limits: HttpLimits;
};

/** Below `/v1`, with `{name}` written as fastify wants it. */
export function routePath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** Why the key cannot be promised to be remembered, or null. */
export function findForgottenKey(conventions: Conventions, { controller }: RouteContext): string | null {
  const isBare = (conventions.bareIdempotencyKey ?? null) !== null;
  if (!isBare || controller.acceptsBareIdempotencyKeys === true) return null;
  return 'This server remembers keys of sessions only: open a session and send Idempotency-Key: <sessionId>:<sequence>.';
}

/** The refusal of a request that finds this node full. */
export function noRoom(pendingCount: number): ProblemInput {
  return {
    code: 'THROTTLING_QUOTA_EXCEEDED',
    message: `${pendingCount} requests are pending on this node. Nothing was changed; send this one again a little later.`,
  };
}

/**
 * The controller owes an answer within the timeout and gave none. Whether it has appended a write cannot be
 * known here, and unknown is reported as unknown (design 10).
 */
export function silence(
  operation: OperationDescription,
  request: Omit<ControllerRequest, 'requestId'>,
): ProblemInput {
  if (operation.kind === 'read' || request.validateOnly === true) {
    return {
      code: 'REQUEST_TIMED_OUT',
      message: `The answer was not confirmed within ${request.timeoutMs} ms; nothing was changed.`,
    };
  }
  const keyAdvice =
    request.idempotencyKey === null && (request.bareIdempotencyKey ?? null) === null
      ? 'Read back before you send it again.'
      : 'Send it again under the same idempotency key.';
  return {
    code: 'OUTCOME_UNKNOWN',
    message: `The write was not confirmed within ${request.timeoutMs} ms and may still take effect. ${keyAdvice}`,
  };
}
