import { offset } from '../base/brands.ts';
import { type BatchEntry, batchPath, type BatchResult } from '../client/protocol/batch.ts';
import type { OperationDescription } from '../client/protocol/description.ts';
import { apiPrefix } from '../client/protocol/headers.ts';
import { nodeOperations, probeOperations } from '../client/protocol/node-operations.ts';
import type { ProblemInput } from '../client/protocol/problem.ts';
import { streamOperations } from '../client/protocol/watch.ts';
import type { ExchangeRequest, ExchangeResult } from '../client/exchange.ts';
import type { Result } from '../base/result.ts';
import { ownProblemResult, ownStanding, resultOf } from '../http/answers.ts';
import { anonymousPrincipal } from '../http/authentication/identity.ts';
import { checkInput, type CompiledOperation, compileOperation } from '../http/compiled-operation.ts';
import { readConventions, readEntryConventions } from '../http/conventions.ts';
import { clusterView, quorumView, votersView } from '../http/node-views.ts';
import { defaultHttpLimits } from '../http/options.ts';
import { readWatchRequest } from '../http/watch/watch-request.ts';
import { operations } from '../metadata/operations.ts';
import type { ControllerApi, ControllerRequest, NodeStatus } from '../runtime/controller-api.ts';
import type { WatchRequest } from '../runtime/watch/watch-api.ts';
import { quorumOperations } from '../runtime/quorum-operations/definitions.ts';

type Route = { readonly compiled: CompiledOperation; readonly pattern: RegExp };

/** What a node answers without the quorum, as far as a test's quorum knows it. */
const nodeViews: Readonly<Record<string, (status: NodeStatus) => unknown>> = {
  getCluster: clusterView,
  describeQuorum: quorumView,
  listVoters: (status) => ({ voters: votersView(status) }),
  getLiveness: () => ({ status: 'live' }),
};

/**
 * The API of one node without HTTP: requests as the client makes them, checked as HTTP checks them, and answered by the
 * controller. Everybody may call everything, as with `insecure`.
 */
export class NodeServer {
  readonly #controller: ControllerApi;
  readonly #routes: readonly Route[];
  readonly #byId: ReadonlyMap<string, Route>;
  readonly #watch = compileOperation(streamOperations.watch);
  #lastRequestId = 0;

  constructor(controller: ControllerApi) {
    this.#controller = controller;
    const ofTheImage = [...operations, ...Object.values(quorumOperations)];
    this.#routes = [
      ...[...ofTheImage, ...Object.values(nodeOperations)].map((operation) => routeOf(operation, apiPrefix)),
      ...Object.values(probeOperations).map((operation) => routeOf(operation, '')),
    ];
    this.#byId = new Map(this.#routes.map((route) => [route.compiled.operation.operationId, route]));
  }

  /** Responds once, now or later. */
  answer(request: ExchangeRequest, respond: (result: ExchangeResult) => void): void {
    const { pathname, searchParams } = new URL(request.path, 'http://node');
    const body: unknown = request.body === null ? undefined : JSON.parse(request.body);
    if (pathname === batchPath) {
      this.#answerBatch(body, respond);
      return;
    }
    const found = this.#find(request.method, pathname);
    const query = Object.fromEntries(searchParams);
    const give = (result: BatchResult): void => respond(this.#toExchangeResult(result));
    if (found === null) {
      give(this.#refuse('RESOURCE_NOT_FOUND', `There is nothing at ${request.method} ${pathname}.`));
      return;
    }
    const { operation } = found.compiled;
    const read = readConventions({ query, headers: request.headers }, operation.kind, defaultHttpLimits);
    if (!read.ok) {
      give(this.#refuse('INVALID_REQUEST', read.error));
      return;
    }
    const { conventions, ownQuery } = read.value;
    this.#carryOut(found.compiled, conventions, { params: found.params, query: ownQuery, body }, give);
  }

  /** What a watch asks for; its parameters stand in the path. */
  readWatch(path: string): Result<WatchRequest, string> {
    const { searchParams } = new URL(path, 'http://node');
    return readWatchRequest(this.#watch, Object.fromEntries(searchParams), undefined);
  }

  #answerBatch(body: unknown, respond: (result: ExchangeResult) => void): void {
    // The border to JSON: the only client here is this package's own.
    const { operations: entries } = body as { readonly operations: readonly BatchEntry[] };
    const results: BatchResult[] = [];
    let missing = entries.length;
    for (const [index, entry] of entries.entries()) {
      this.#answerEntry(entry, (result) => {
        results[index] = result;
        missing -= 1;
        if (missing === 0) respond(this.#wholeBatch(results));
      });
    }
  }

  #answerEntry(entry: BatchEntry, give: (result: BatchResult) => void): void {
    const route = this.#byId.get(entry.operationId);
    if (route === undefined) {
      give(this.#refuse('RESOURCE_NOT_FOUND', `There is no operation ${entry.operationId}.`));
      return;
    }
    const { compiled } = route;
    const conventions = readEntryConventions(entry, compiled.operation.kind, defaultHttpLimits);
    if (!conventions.ok) {
      give(this.#refuse('INVALID_REQUEST', conventions.error));
      return;
    }
    const { params = {}, query = {}, body } = entry;
    this.#carryOut(compiled, conventions.value, { params, query, body }, give);
  }

  #carryOut(
    compiled: CompiledOperation,
    conventions: Omit<ControllerRequest, 'requestId' | 'operationId' | 'input' | 'principal'>,
    given: {
      readonly params: Readonly<Record<string, unknown>>;
      readonly query: Readonly<Record<string, unknown>>;
      readonly body: unknown;
    },
    give: (result: BatchResult) => void,
  ): void {
    const { operation } = compiled;
    const { operationId, successStatus = 200 } = operation;
    const input = checkInput(compiled, given.params, given.query, given.body);
    if (!input.ok) {
      give(this.#refuse('INVALID_REQUEST', input.error));
      return;
    }
    if (Object.hasOwn(nodeOperations, operationId) || Object.hasOwn(probeOperations, operationId)) {
      give(this.#nodeView(operationId));
      return;
    }
    const requestId = ++this.#lastRequestId;
    const request = { requestId, operationId, input: input.value, principal: anonymousPrincipal };
    this.#controller.submit([{ ...request, ...conventions }], (answer) =>
      give(resultOf(answer, successStatus)),
    );
  }

  #nodeView(operationId: string): BatchResult {
    const status = this.#controller.status();
    const view = nodeViews[operationId];
    if (view === undefined) {
      return this.#refuse('RESOURCE_NOT_FOUND', `A quorum in memory does not answer ${operationId}.`);
    }
    const { offset: at, epoch, leaderId, forwarded } = ownStanding(status);
    return { status: 200, offset: at, epoch, leaderId, forwarded, response: view(status) };
  }

  #refuse(code: ProblemInput['code'], message: string): BatchResult {
    return ownProblemResult(this.#controller, { code, message });
  }

  #toExchangeResult(result: BatchResult): ExchangeResult {
    const { status, offset: at, epoch, leaderId, forwarded } = result;
    const standing = { nodeId: this.#controller.status().nodeId, leaderId, offset: at, epoch, forwarded };
    if ('problem' in result) return { type: 'problem', problem: copied(result.problem), standing };
    return { type: 'answer', status, body: copied(result.response ?? {}), standing };
  }

  #wholeBatch(results: readonly BatchResult[]): ExchangeResult {
    const { nodeId, leaderId, epoch } = ownStanding(this.#controller.status());
    const furthest = offset(results.reduce((most, result) => Math.max(most, result.offset), 0));
    const forwarded = results.some((result) => result.forwarded);
    const standing = { nodeId, leaderId, offset: furthest, epoch, forwarded };
    return { type: 'answer', status: 200, body: copied({ results }), standing };
  }

  #find(method: string, path: string): (Route & { readonly params: Record<string, string> }) | null {
    for (const route of this.#routes) {
      const match = route.compiled.operation.method === method ? route.pattern.exec(path) : null;
      if (match === null) continue;
      const given = Object.entries(match.groups ?? {});
      return {
        ...route,
        params: Object.fromEntries(given.map(([name, text]) => [name, decodeURIComponent(text)])),
      };
    }
    return null;
  }
}

function routeOf(operation: OperationDescription, prefix: string): Route {
  const pattern = (prefix + operation.path).replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return { compiled: compileOperation(operation), pattern: new RegExp(`^${pattern}$`) };
}

/** As it would come out of the bytes that it was put into: nothing is shared with the node. */
function copied<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
