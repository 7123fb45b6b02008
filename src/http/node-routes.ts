import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { offset, type Offset } from '../base/brands.ts';
import type { Result } from '../base/result.ts';
import type { OperationDescription } from '../client/protocol/description.ts';
import { apiPrefix, commonQueryNames } from '../client/protocol/headers.ts';
import { logPageRecordsMax, nodeOperations, probeOperations } from '../client/protocol/node-operations.ts';
import type { ControllerApi, LogSlice, LogSliceError, NodeStatus } from '../runtime/controller-api.ts';
import { findRefusedKey, refusedCondition } from '../runtime/requests/refused-key.ts';
import { ownStanding, sendJson, sendOwnProblem } from './answers.ts';
import { findForbidden, identityOf } from './authentication/index.ts';
import { type Conventions, readConventions } from './conventions.ts';
import { checkInput, compileOperation, fieldsOf } from './compiled-operation.ts';
import { clusterView, quorumView, votersView } from './node-views.ts';
import { quorumChecks, type ReadinessCheck, readinessChecks } from './readiness.ts';
import { routePath, type RouteContext } from './route-context.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Called with the operation's own query and parameters, checked. */
type NodeHandler = (query: Fields, reply: FastifyReply, timeoutMs: number, params: Fields) => void;

/** What the node answers by itself: its standing, its log, and the probes. */
export function addNodeRoutes(app: FastifyInstance, context: RouteContext): void {
  const { controller } = context;
  add(app, context, apiPrefix, nodeOperations.getCluster, (_query, reply) => {
    const status = controller.status();
    sendJson(reply, 200, ownStanding(status), clusterView(status));
  });
  add(app, context, apiPrefix, nodeOperations.describeQuorum, (_query, reply) => {
    const status = controller.status();
    sendJson(reply, 200, ownStanding(status), quorumView(status));
  });
  add(app, context, apiPrefix, nodeOperations.listVoters, (_query, reply) => {
    const status = controller.status();
    sendJson(reply, 200, ownStanding(status), { voters: votersView(status) });
  });
  add(app, context, apiPrefix, nodeOperations.describeVoter, (_query, reply, _timeoutMs, params) =>
    sendVoter(reply, controller, params['controllerId']),
  );
  add(app, context, apiPrefix, nodeOperations.listSnapshots, (_query, reply) =>
    sendSnapshots(reply, controller),
  );
  add(app, context, apiPrefix, nodeOperations.createSnapshot, (_query, reply, timeoutMs) =>
    createSnapshot(reply, timeoutMs, controller),
  );
  add(app, context, apiPrefix, nodeOperations.readLog, (query, reply, timeoutMs) =>
    readLog(query, reply, timeoutMs, controller),
  );
  add(app, context, '', probeOperations.getLiveness, (_query, reply) =>
    sendJson(reply, 200, ownStanding(controller.status()), { status: 'live' }),
  );
  add(app, context, '', probeOperations.getReadiness, (query, reply) =>
    sendChecks(reply, controller.status(), readinessChecks, query['verbose'] === true),
  );
  add(app, context, '', probeOperations.getQuorumHealth, (query, reply) =>
    sendChecks(reply, controller.status(), quorumChecks, query['verbose'] === true),
  );
}

function add(
  app: FastifyInstance,
  context: RouteContext,
  prefix: string,
  operation: OperationDescription,
  handler: NodeHandler,
): void {
  const compiled = compileOperation(operation);
  const isPublic = Object.hasOwn(probeOperations, operation.operationId);
  const handle = (request: FastifyRequest, reply: FastifyReply): void => {
    const forbidden = isPublic ? null : findForbidden(identityOf(request), operation);
    if (forbidden !== null) {
      sendOwnProblem(reply, context.controller, forbidden);
      return;
    }
    const { headers } = request;
    const read = readConventions({ query: fieldsOf(request.query), headers }, operation.kind, context.limits);
    const input = read.ok
      ? checkInput(compiled, fieldsOf(request.params), read.value.ownQuery, request.body)
      : read;
    if (!read.ok || !input.ok) {
      const message = !read.ok ? read.error : !input.ok ? input.error : '';
      sendOwnProblem(reply, context.controller, { code: 'INVALID_REQUEST', message });
      return;
    }
    const { conventions } = read.value;
    const refusedKey = findRefusedKey(operation.operationId, operation.kind, conventions);
    if (refusedKey !== null) {
      const message = refusedKey;
      sendOwnProblem(reply, context.controller, { code: 'IDEMPOTENCY_KEY_NOT_SUPPORTED', message });
      return;
    }
    const misfit = findMisfit(operation.operationId, fieldsOf(request.query), conventions);
    if (misfit !== null) {
      sendOwnProblem(reply, context.controller, { code: 'INVALID_REQUEST', message: misfit });
      return;
    }
    const { query, params } = input.value;
    handler(fieldsOf(query), reply, conventions.timeoutMs, fieldsOf(params));
  };
  app.route({
    method: operation.method,
    url: prefix + routePath(operation.path),
    config: { isPublic },
    handler: handle,
  });
}

/**
 * Why a common parameter means nothing where a node answers by itself; null when none was given. To ignore it would
 * let the caller believe that its wish was granted.
 */
function findMisfit(operationId: string, query: Fields, conventions: Conventions): string | null {
  if ((conventions.atOffset ?? null) !== null) {
    return `${operationId} shows this node as it is now, and has no past.`;
  }
  for (const name of [commonQueryNames.minOffset, commonQueryNames.consistency]) {
    if (Object.hasOwn(query, name)) {
      return `${operationId} shows this node as it is now, and takes no ${name}.`;
    }
  }
  if (conventions.ifMatch !== null) return refusedCondition(operationId);
  if (conventions.validateOnly !== true) return null;
  return `${operationId} cannot be validated: it is done, or it is not.`;
}

function sendVoter(reply: FastifyReply, controller: ControllerApi, controllerId: unknown): void {
  const status = controller.status();
  const voter = votersView(status).find((each) => each.controllerId === controllerId);
  if (voter !== undefined) {
    sendJson(reply, 200, ownStanding(status), voter);
    return;
  }
  const message = `Controller ${String(controllerId)} is no voter.`;
  sendOwnProblem(reply, controller, { code: 'VOTER_NOT_FOUND', message });
}

const noSnapshots = {
  code: 'RESOURCE_NOT_FOUND',
  message: 'This node does not show its snapshots.',
} as const;

function sendSnapshots(reply: FastifyReply, controller: ControllerApi): void {
  const status = controller.status();
  const snapshots = controller.snapshots?.();
  if (snapshots === undefined) sendOwnProblem(reply, controller, noSnapshots);
  else
    sendJson(reply, 200, ownStanding(status), {
      snapshots,
      logStartOffset: status.logStartOffset,
    });
}

function createSnapshot(reply: FastifyReply, timeoutMs: number, controller: ControllerApi): void {
  if (controller.takeSnapshot === undefined) {
    sendOwnProblem(reply, controller, noSnapshots);
    return;
  }
  const late = `The snapshot was not taken within ${timeoutMs} ms; it may still be.`;
  const answerOnce = answerInTime(reply, controller, timeoutMs, late);
  controller.takeSnapshot((result) =>
    answerOnce(() => {
      if (result.ok) sendJson(reply, 201, ownStanding(controller.status()), result.value);
      else sendOwnProblem(reply, controller, result.error);
    }),
  );
}

/** The first answer counts; when none comes in time, that is said instead. */
function answerInTime(
  reply: FastifyReply,
  controller: ControllerApi,
  timeoutMs: number,
  late: string,
): (answer: () => void) => void {
  let isAnswered = false;
  const answerOnce = (answer: () => void): void => {
    if (isAnswered) return;
    isAnswered = true;
    clearTimeout(guard);
    answer();
  };
  const guard = setTimeout(
    () => answerOnce(() => sendOwnProblem(reply, controller, { code: 'REQUEST_TIMED_OUT', message: late })),
    timeoutMs,
  );
  return answerOnce;
}

function sendChecks(
  reply: FastifyReply,
  status: NodeStatus,
  checksOf: (status: NodeStatus) => readonly ReadinessCheck[],
  verbose: boolean,
): void {
  const checks = checksOf(status);
  const isReady = checks.every((each) => each.ok);
  if (!isReady) reply.header('retry-after', 1);
  // Asked for or not, what fails is named: a probe's log is often all that is left of it.
  const shown = verbose ? checks : checks.filter((each) => !each.ok);
  sendJson(reply, isReady ? 200 : 503, ownStanding(status), {
    status: isReady ? 'ready' : 'not ready',
    ...(shown.length > 0 ? { checks: shown } : {}),
  });
}

const logPageRecordsDefault = 100;

function readLog(
  query: Readonly<Record<string, unknown>>,
  reply: FastifyReply,
  timeoutMs: number,
  controller: ControllerApi,
): void {
  if (controller.readLog === undefined) {
    sendOwnProblem(reply, controller, {
      code: 'RESOURCE_NOT_FOUND',
      message: 'This node does not show its log; read its directory with ottla log dump --data-dir instead.',
    });
    return;
  }
  const from = offsetOr(query['from'], controller.status().logStartOffset);
  const limit = query['limit'];
  const maxRecords = typeof limit === 'number' ? Math.min(limit, logPageRecordsMax) : logPageRecordsDefault;
  const late = `The log was not read within ${timeoutMs} ms.`;
  const answerOnce = answerInTime(reply, controller, timeoutMs, late);
  controller.readLog({ from, maxRecords }, (result) =>
    answerOnce(() => sendLogSlice(reply, controller, result)),
  );
}

function offsetOr(value: unknown, otherwise: Offset): Offset {
  return typeof value === 'number' ? offset(value) : otherwise;
}

function sendLogSlice(
  reply: FastifyReply,
  controller: ControllerApi,
  result: Result<LogSlice, LogSliceError>,
): void {
  if (result.ok) {
    sendJson(reply, 200, ownStanding(controller.status()), result.value);
    return;
  }
  const { code, message, logStartOffset } = result.error;
  sendOwnProblem(reply, controller, { code, message, details: { logStartOffset } });
}
