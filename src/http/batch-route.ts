import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { offset } from '../base/brands.ts';
import { failed, ok, type Result } from '../base/result.ts';
import {
  batchEntrySchema,
  batchPath,
  batchRequestSchema,
  type BatchEntry,
  type BatchResponse,
  type BatchResult,
} from '../client/protocol/batch.ts';
import type { ProblemInput } from '../client/protocol/problem.ts';
import { compileOuterCheck } from '../client/protocol/validation.ts';
import type { ControllerRequest } from '../runtime/controller-api.ts';
import {
  ownProblemResult,
  ownStanding,
  resultOf,
  sendJson,
  sendOwnProblem,
  type Standing,
} from './answers.ts';
import { checkInput, fieldsOf, type CompiledOperation } from './compiled-operation.ts';
import { findForbidden, findForeignBroker, type Identity, identityOf } from './authentication/index.ts';
import { readEntryConventions } from './conventions.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { findForgottenKey, noRoom, silence, type RouteContext } from './route-context.ts';

export type BatchContext = RouteContext & {
  /** The operations that may stand in a batch, by their id. */
  readonly operations: ReadonlyMap<string, CompiledOperation>;
  /** Null where nobody is asked who it is. */
  readonly limiter: RateLimiter | null;
};

const checkEnvelope = compileOuterCheck(batchRequestSchema, 'batch');
const checkEntry = compileOuterCheck(batchEntrySchema, 'operation');

/** `POST /v1/batch` (see `protocol/batch.ts`): every operation goes the way that a request of its own goes. */
export function addBatchRoute(app: FastifyInstance, context: BatchContext): void {
  app.route({
    method: 'POST',
    url: batchPath,
    handler: (request, reply) => handle(request, reply, context),
  });
}

function handle(request: FastifyRequest, reply: FastifyReply, context: BatchContext): void {
  const read = readEnvelope(request);
  if (!read.ok) {
    sendOwnProblem(reply, context.controller, { code: 'INVALID_REQUEST', message: read.error });
    return;
  }
  const identity = identityOf(request);
  // The request itself was counted at the border; each operation counts as one.
  context.limiter?.charge(identity.principal, read.value.length - 1);
  const results = new BatchResults(read.value.length, (whole) => sendResults(reply, whole, context));
  for (const [index, entry] of read.value.entries()) {
    carryOut(entry, identity, context, (result) => results.set(index, result));
  }
}

function readEnvelope(request: FastifyRequest): Result<readonly unknown[], string> {
  const unknownParameter = Object.keys(fieldsOf(request.query))[0];
  if (unknownParameter !== undefined) return failed(`The query has no field '${unknownParameter}'.`);
  const { body } = request;
  const complaint = checkEnvelope(body);
  if (complaint !== null) return failed(complaint);
  // The border to fastify: the check above has found this field in it.
  return ok((body as { readonly operations: readonly unknown[] }).operations);
}

/** `respond` is called once, now or when the controller has answered. */
function carryOut(
  entry: unknown,
  identity: Identity,
  context: BatchContext,
  respond: (result: BatchResult) => void,
): void {
  const { submissions } = context;
  const found = findOperation(entry, context);
  if (!found.ok) {
    respond(ownProblemResult(context.controller, found.error));
    return;
  }
  const { compiled } = found.value;
  const { operation } = compiled;
  const accepted = acceptEntry(found.value, identity, context);
  if (!accepted.ok) {
    respond(ownProblemResult(context.controller, accepted.error));
  } else if (!submissions.hasRoom(operation.priority)) {
    respond(ownProblemResult(context.controller, noRoom(submissions.pendingCount)));
  } else {
    submissions.submit(accepted.value, (outcome) =>
      respond(
        outcome.type === 'answered'
          ? resultOf(outcome.answer, operation.successStatus ?? 200)
          : ownProblemResult(context.controller, silence(operation, accepted.value)),
      ),
    );
  }
}

type FoundOperation = { readonly entry: BatchEntry; readonly compiled: CompiledOperation };

function findOperation(entry: unknown, context: BatchContext): Result<FoundOperation, ProblemInput> {
  const complaint = checkEntry(entry);
  if (complaint !== null) return failed({ code: 'INVALID_REQUEST', message: complaint });
  // The border to JSON: the check above has established its form.
  const checked = entry as BatchEntry;
  const compiled = context.operations.get(checked.operationId);
  if (compiled !== undefined) return ok({ entry: checked, compiled });
  return failed({
    code: 'RESOURCE_NOT_FOUND',
    message: `There is no operation ${checked.operationId} for a batch.`,
  });
}

function acceptEntry(
  { entry, compiled }: FoundOperation,
  identity: Identity,
  context: BatchContext,
): Result<Omit<ControllerRequest, 'requestId'>, ProblemInput> {
  const { operation } = compiled;
  const forbidden = findForbidden(identity, operation);
  if (forbidden !== null) return failed(forbidden);
  const conventions = readEntryConventions(entry, operation.kind, context.limits);
  if (!conventions.ok) return failed(invalid(conventions.error));
  const forgotten = findForgottenKey(conventions.value, context);
  if (forgotten !== null) return failed(invalid(forgotten));
  const input = checkInput(compiled, entry.params ?? noFields, entry.query ?? noFields, entry.body);
  if (!input.ok) return failed(invalid(input.error));
  const foreign = findForeignBroker(identity, operation, input.value);
  if (foreign !== null) return failed(foreign);
  return ok({
    operationId: operation.operationId,
    input: input.value,
    principal: identity.principal,
    tokenId: identity.tokenId,
    ...conventions.value,
  });
}

function invalid(message: string): ProblemInput {
  return { code: 'INVALID_REQUEST', message };
}

const noFields: Readonly<Record<string, unknown>> = {};

/** Gathers one result for each operation, in their order, and is complete when the last has come. */
class BatchResults {
  readonly #results: (BatchResult | undefined)[];
  readonly #whenComplete: (results: readonly BatchResult[]) => void;
  #missing: number;

  constructor(count: number, whenComplete: (results: readonly BatchResult[]) => void) {
    this.#results = Array.from({ length: count }, () => undefined);
    this.#missing = count;
    this.#whenComplete = whenComplete;
  }

  set(index: number, result: BatchResult): void {
    this.#results[index] = result;
    this.#missing -= 1;
    if (this.#missing === 0) this.#whenComplete(this.#results.filter((each) => each !== undefined));
  }
}

/** The answer's headers speak for the whole: it reflects what the furthest of its results reflects. */
function sendResults(reply: FastifyReply, results: readonly BatchResult[], context: BatchContext): void {
  const own = ownStanding(context.controller.status());
  const furthest = results.reduce((most, result) => Math.max(most, result.offset), 0);
  const standing: Standing = {
    ...own,
    offset: offset(furthest),
    forwarded: results.some((result) => result.forwarded),
  };
  const response: BatchResponse = { results };
  sendJson(reply, 200, standing, response);
}
