import type { FastifyReply } from 'fastify';
import type { Epoch, NodeId, Offset } from '../base/brands.ts';
import type { BatchResult } from '../client/protocol/batch.ts';
import { headerNames, jsonContentType, noLeader, problemContentType } from '../client/protocol/headers.ts';
import { makeProblem, type Problem, type ProblemInput } from '../client/protocol/problem.ts';
import type { ControllerAnswer, ControllerApi, NodeStatus } from '../runtime/controller-api.ts';

/** Where the answer comes from; told with every answer, errors included. */
export type Standing = {
  readonly nodeId: NodeId;
  readonly offset: Offset;
  readonly epoch: Epoch;
  readonly leaderId: NodeId | null;
  readonly forwarded: boolean;
};

/** The standing of an answer that this node gives by itself. */
export function ownStanding(status: NodeStatus): Standing {
  return {
    nodeId: status.nodeId,
    offset: status.highWatermark,
    epoch: status.epoch,
    leaderId: status.leaderId,
    forwarded: false,
  };
}

export function sendJson(reply: FastifyReply, status: number, standing: Standing, body: unknown): void {
  setStanding(reply, standing);
  reply.code(status).type(jsonContentType).send(JSON.stringify(body));
}

export function sendNothing(reply: FastifyReply, standing: Standing): void {
  setStanding(reply, standing);
  reply.code(204).send();
}

/** Errors that pass by themselves say when to come again even if the controller gave no hint. */
const retryAfterDefaultMs: Readonly<Record<number, number>> = { 429: 100, 503: 250 };

/** The problem as it is told to the caller, with the leader and when to come again. */
export function problemFor(leaderId: NodeId | null, input: ProblemInput): Problem {
  const problem = makeProblem({ ...input, leader: leaderId });
  const retryAfterMs = retryAfterDefaultMs[problem.status];
  return problem.retryAfterMs !== undefined || retryAfterMs === undefined
    ? problem
    : { ...problem, retryAfterMs };
}

export function sendProblem(reply: FastifyReply, standing: Standing, input: ProblemInput): void {
  const problem = problemFor(standing.leaderId, input);
  setStanding(reply, standing);
  if (problem.retryAfterMs !== undefined) {
    // The standard header counts whole seconds; the exact time stands in the body.
    reply.header(headerNames.retryAfter, Math.max(1, Math.ceil(problem.retryAfterMs / 1000)));
  }
  reply.code(problem.status).type(problemContentType).send(JSON.stringify(problem));
}

export function sendOwnProblem(reply: FastifyReply, controller: ControllerApi, input: ProblemInput): void {
  sendProblem(reply, ownStanding(controller.status()), input);
}

/** The controller's own answer, as it came. */
export function sendAnswer(
  reply: FastifyReply,
  nodeId: NodeId,
  answer: ControllerAnswer,
  successStatus: number,
): void {
  const { result, offset, epoch, leaderId, forwarded } = answer;
  const standing: Standing = { nodeId, offset, epoch, leaderId, forwarded };
  if (!result.ok) {
    sendProblem(reply, standing, result);
    return;
  }
  if (answer.modifiedOffset !== undefined && answer.modifiedOffset !== null) {
    reply.header('etag', `"${answer.modifiedOffset}"`);
  }
  if (successStatus === 204) sendNothing(reply, standing);
  else sendJson(reply, successStatus, standing, result.response);
}

/** The answer that the caller has already, in no more than its headers. */
export function sendNotModified(reply: FastifyReply, nodeId: NodeId, answer: ControllerAnswer): void {
  const { offset, epoch, leaderId, forwarded, modifiedOffset } = answer;
  setStanding(reply, { nodeId, offset, epoch, leaderId, forwarded });
  reply.header('etag', `"${modifiedOffset}"`);
  reply.code(304).send();
}

export function setStanding(reply: FastifyReply, standing: Standing): void {
  reply.headers(standingHeaders(standing));
}

/** The headers that every answer has. */
export function standingHeaders(standing: Standing): Record<string, string | number> {
  return {
    [headerNames.offset]: standing.offset,
    [headerNames.node]: standing.nodeId,
    [headerNames.epoch]: standing.epoch,
    [headerNames.leader]: standing.leaderId ?? noLeader,
    [headerNames.forwarded]: standing.forwarded ? 'true' : 'false',
  };
}

/** The controller's own answer as it stands among those of a batch. */
export function resultOf(answer: ControllerAnswer, successStatus: number): BatchResult {
  const { result, offset, epoch, leaderId, forwarded, modifiedOffset } = answer;
  const standing = { offset, epoch, leaderId, forwarded };
  if (!result.ok) {
    const problem = problemFor(leaderId, result);
    return { status: problem.status, ...standing, problem };
  }
  return {
    status: successStatus,
    ...standing,
    ...(modifiedOffset === undefined || modifiedOffset === null ? {} : { modifiedOffset }),
    ...(successStatus === 204 ? {} : { response: result.response }),
  };
}

/** What this node answers without the controller, as it stands among the answers of a batch. */
export function ownProblemResult(controller: ControllerApi, input: ProblemInput): BatchResult {
  const { offset, epoch, leaderId, forwarded } = ownStanding(controller.status());
  const problem = problemFor(leaderId, input);
  return { status: problem.status, offset, epoch, leaderId, forwarded, problem };
}
