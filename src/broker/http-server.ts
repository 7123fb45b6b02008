import { fastify, type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { assert, assertDefined, InvariantViolation } from '../base/assert.ts';
import { failed, ok, type Result } from '../base/result.ts';
import { recordBatchBytesMax } from '../codec/record-batch/header.ts';
import { answerBrokenHttp } from '../http/framework-errors.ts';
import { boundConnectionsPerAddress } from '../http/refuse-floods.ts';
import { collectMethods, type RouteMethods } from '../http/route-methods.ts';
import type { Logger } from '../ports/logger.ts';
import type { Endpoint } from '../raft/replica-key.ts';
import type { BrokerNode } from './broker-node.ts';
import { sendProblem } from './problems.ts';
import { addConsumeRoutes } from './routes/consume.ts';
import { addGroupOffsetsRoutes } from './routes/group-offsets.ts';
import { addProduceRoute } from './routes/produce.ts';
import { addReplicaFetchRoute } from './routes/replica-fetch.ts';
import type { RouteContext } from './routes/route-context.ts';
import { addStandingRoutes } from './routes/standing.ts';

export type BrokerHttpServer = {
  /** With the port that was really taken. */
  readonly endpoint: Endpoint;
  /** Takes no new request, answers those that wait, and closes every connection. */
  close(): Promise<void>;
};

export type BrokerListenError = {
  readonly code: 'ADDRESS_IN_USE' | 'ADDRESS_UNAVAILABLE';
  readonly message: string;
};

/** A batch in base64 within JSON takes a third more than the batch itself, and the rest of the body some. */
const bodyBytesMax = 2 * recordBatchBytesMax;
const closeGraceMs = 3_000;

/** Serves one broker's data plane. `node` is asked for at each request: the listener is there before the broker is. */
export async function startBrokerHttpServer(
  node: () => BrokerNode | null,
  options: {
    readonly listen: Endpoint;
    readonly logger: Logger;
    readonly limits: {
      readonly connectionsMax: number;
      readonly connectionsPerAddressMax: number;
      readonly headersTimeoutMs: number;
      readonly receiveTimeoutMs: number;
    };
  },
): Promise<Result<BrokerHttpServer, BrokerListenError>> {
  const { listen, logger, limits } = options;
  const app = createApp(logger);
  app.server.maxConnections = limits.connectionsMax;
  boundConnectionsPerAddress(app.server, limits.connectionsPerAddressMax);
  app.server.requestTimeout = limits.receiveTimeoutMs;
  app.server.headersTimeout = limits.headersTimeoutMs;
  const closing = new AbortController();
  refuseWhileNotThere(app, node, closing.signal);
  const context: RouteContext = {
    node: () => assertDefined(node(), 'requests are refused until the broker is there'),
    wallMs: Date.now,
    closing: closing.signal,
    pending: { bytes: 0 },
  };
  addProduceRoute(app, context);
  addConsumeRoutes(app, context);
  addReplicaFetchRoute(app, context);
  addStandingRoutes(app, context);
  addGroupOffsetsRoutes(app, context);
  try {
    await app.listen({ host: listen.host, port: listen.port });
  } catch (error) {
    await app.close();
    return failed(listenError(error, listen));
  }
  const address = assertDefined(app.server.address(), 'a listening server has an address');
  assert(typeof address === 'object', 'a broker listens on a port, not on a pipe');
  return ok({
    endpoint: { host: listen.host, port: address.port },
    close: async () => {
      closing.abort();
      const cutOff = setTimeout(() => app.server.closeAllConnections(), closeGraceMs);
      await app.close();
      clearTimeout(cutOff);
    },
  });
}

function createApp(logger: Logger): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: bodyBytesMax,
    // A topic's name has up to 249 characters, each of which may arrive as %xx.
    routerOptions: { maxParamLength: 1_024 },
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: answerBrokenHttp,
    http: { connectionsCheckingInterval: 1_000 },
    frameworkErrors: (error, _request, reply) => sendFrameworkError(error, reply, logger),
  });
  app.setErrorHandler((error: FastifyError, _request, reply) => sendFrameworkError(error, reply, logger));
  const methods = collectMethods(app);
  app.setNotFoundHandler((request, reply) => sendNotFound(request.method, request.url, reply, methods));
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parseJson(request, String(body), done);
  });
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  return app;
}

function refuseWhileNotThere(
  app: FastifyInstance,
  node: () => BrokerNode | null,
  closing: AbortSignal,
): void {
  app.addHook('onRequest', (request, reply, next) => {
    if (node() !== null && !closing.aborted) {
      next();
      return;
    }
    const message = closing.aborted ? 'This broker is stopping.' : 'This broker is starting.';
    const isOfGroup = request.url.startsWith('/v1/groups/');
    const code = isOfGroup ? 'COORDINATOR_NOT_AVAILABLE' : 'NOT_LEADER_OR_FOLLOWER';
    sendProblem(reply, { code, message: `${message} Nothing was done.` });
  });
  app.addHook('onSend', (_request, reply, _payload, next) => {
    if (closing.aborted) reply.header('connection', 'close');
    next();
  });
}

/** What went wrong before or beside a handler becomes an error like all others. */
function sendFrameworkError(error: FastifyError, reply: FastifyReply, logger: Logger): void {
  if (error instanceof InvariantViolation) {
    // A bug is not answered and carried on from: thrown here it reaches no handler and ends the process.
    setImmediate(() => {
      throw error;
    });
    return;
  }
  const status = error.statusCode ?? 500;
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const message = `The body is larger than ${bodyBytesMax} bytes. Split the request.`;
    sendProblem(reply, { code: 'REQUEST_TOO_LARGE', message });
  } else if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const message = 'The body must be application/json or application/octet-stream.';
    sendProblem(reply, { code: 'INVALID_REQUEST', message });
  } else if (status >= 400 && status < 500) {
    sendProblem(reply, { code: 'INVALID_REQUEST', message: `The request cannot be read: ${error.message}` });
  } else {
    logger.error('http-handler-failed', { code: error.code ?? null, message: error.message });
    const message = 'The broker met an error that it did not expect; see its log.';
    sendProblem(reply, { code: 'UNKNOWN_SERVER_ERROR', message });
  }
}

function sendNotFound(method: string, url: string, reply: FastifyReply, routes: RouteMethods): void {
  const path = url.split('?')[0] ?? '';
  const methods = routes.methodsAt(path);
  if (methods.length === 0) {
    sendProblem(reply, { code: 'RESOURCE_NOT_FOUND', message: `There is no ${method} ${path}.` });
    return;
  }
  reply.header('allow', methods.join(', '));
  const message = `${path} does not understand ${method}, but ${methods.join(', ')}.`;
  sendProblem(reply, { code: 'METHOD_NOT_ALLOWED', message });
}

function listenError(error: unknown, { host, port }: Endpoint): BrokerListenError {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    const message = `Port ${port} on ${host} is taken by another process. Stop that one or choose another port.`;
    return { code: 'ADDRESS_IN_USE', message };
  }
  const reason = error instanceof Error ? error.message : String(error);
  return { code: 'ADDRESS_UNAVAILABLE', message: `The broker cannot listen on ${host}:${port}: ${reason}.` };
}
