import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fastify, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { assert, assertDefined } from '../base/assert.ts';
import { type Failed, failed, ok, type Result } from '../base/result.ts';
import { silentLogger, type Logger } from '../ports/logger.ts';
import { sendOwnProblem } from './answers.ts';
import { createAuthenticator, refuseStrangers } from './authentication/index.ts';
import { addBatchRoute } from './batch-route.ts';
import { compileOperation, type CompiledOperation } from './compiled-operation.ts';
import { addApiDescription } from './openapi/routes.ts';
import { answerBrokenHttp, sendFrameworkError, sendNotFound } from './framework-errors.ts';
import { ProcessMeter } from './metrics/process-meter.ts';
import { addMetricsRoute } from './metrics/routes.ts';
import { limits as metadataLimits } from '../metadata/limits.ts';
import { addNodeRoutes } from './node-routes.ts';
import { addOperationRoute } from './operation-routes.ts';
import {
  checkListener,
  type HttpLimits,
  resolveLimits,
  type HttpServerOptions,
  type HttpStartError,
  type TlsMaterial,
} from './options.ts';
import { RateLimiter } from './rate-limiter.ts';
import { boundConnectionsPerAddress, refuseFloods } from './refuse-floods.ts';
import type { RouteContext } from './route-context.ts';
import { collectMethods } from './route-methods.ts';
import { Submissions } from './submissions.ts';
import { addWatchRoute, type WatchStreams } from './watch/watch-route.ts';

export type HttpServer = {
  /** `http://127.0.0.1:9644`, with the port that was really taken. */
  readonly url: string;
  /** Requests handed to the controller and not answered yet. */
  pendingCount(): number;
  /** For new connections; refused, and nothing changed, when it cannot be used. Only of a server with TLS. */
  replaceTls(tls: TlsMaterial): Result<null, HttpStartError>;
  /** Streams that are open. */
  watchCount(): number;
  /**
   * Takes no new request, waits for the answers to those it has, then closes every connection. What is not
   * answered within the grace is answered as unknown. May be called more than once.
   */
  close(): Promise<void>;
};

/** Serves the operations of one node over HTTP. Fails, as a value, when it cannot listen. */
export async function startHttpServer(
  options: HttpServerOptions,
): Promise<Result<HttpServer, HttpStartError>> {
  const allowed = checkListener(options);
  if (!allowed.ok) return allowed;
  const limits = resolveLimits(options.limits);
  const logger = options.logger ?? silentLogger;
  const { controller } = options;
  const { nodeId } = controller.status();
  const submissions = new Submissions(controller, limits);
  const context: RouteContext = { controller, nodeId, limits, submissions };
  const closing = { isClosing: false };

  const created = createApp(options, context, logger);
  if (!created.ok) return created;
  const app = created.value;
  refuseWhileClosing(app, controller, closing);
  const meter = meterRequests(app, submissions);
  const wallMs = options.wallMs ?? Date.now;
  refuseStrangers(app, createAuthenticator(options.authentication, controller, wallMs), controller);
  const limiter = options.authentication === 'off' ? null : createLimiter(limits);
  if (limiter !== null) refuseFloods(app, limiter, controller);
  addMetricsRoute(app, context, meter);
  addNodeRoutes(app, context);
  const operations = new Map<string, CompiledOperation>();
  for (const operation of options.operations) {
    const { operationId } = operation;
    assert(!operations.has(operationId), `two operations are called ${operationId}`);
    const compiled = compileOperation(operation);
    operations.set(operationId, compiled);
    addOperationRoute(app, compiled, context);
  }
  addBatchRoute(app, { ...context, operations, limiter });
  const streams = addWatchRoute(app, { ...context, wallMs });
  await addApiDescription(app, context, options);

  const listening = await listen(app, options);
  if (!listening.ok) return listening;
  return ok({
    url: listening.value,
    pendingCount: () => context.submissions.pendingCount,
    watchCount: () => streams.count(),
    replaceTls: (tls) => replaceTls(app, tls),
    close: closeOnce(app, context, closing, streams),
  });
}

/** Also those that are refused before anything of them is read. */
function meterRequests(app: FastifyInstance, submissions: Submissions): ProcessMeter {
  const meter = new ProcessMeter(() => submissions.pendingCount);
  app.addHook('onClose', (_app, done) => {
    meter.close();
    done();
  });
  meter.observe(app);
  return meter;
}

function createLimiter({ requestsPerSecond: perSecond, requestsBurst: burst }: HttpLimits): RateLimiter {
  return new RateLimiter({ perSecond, burst, principalsMax: metadataLimits.tokensMax }, () =>
    performance.now(),
  );
}

function createApp(
  options: HttpServerOptions,
  context: RouteContext,
  logger: Logger,
): Result<FastifyInstance, HttpStartError> {
  const { controller, limits } = context;
  const settings: FastifyServerOptions = {
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    // A topic's name has up to 249 characters, each of which may arrive as %xx.
    routerOptions: { maxParamLength: 1_024 },
    // Requests on open connections are answered by refuseWhileClosing, as problems like all others.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: answerBrokenHttp,
    frameworkErrors: (error, _request, reply) =>
      sendFrameworkError(error, reply, { controller, limits, logger }),
  };
  const app = makeInstance(settings, options);
  if (!app.ok) return app;
  const instance = app.value;
  instance.server.maxConnections = limits.connectionsMax;
  boundConnectionsPerAddress(instance.server, limits.connectionsPerAddressMax);
  instance.server.requestTimeout = limits.receiveTimeoutMs;
  instance.server.headersTimeout = limits.headersTimeoutMs;
  instance.setErrorHandler((error: Parameters<typeof sendFrameworkError>[0], _request, reply) =>
    sendFrameworkError(error, reply, { controller, limits, logger }),
  );
  const methods = collectMethods(instance);
  instance.setNotFoundHandler((request, reply) => sendNotFound(request, reply, controller, methods));
  refuseWithoutHost(instance, controller);
  acceptJsonOnly(instance);
  return app;
}

/** Node would answer a request without a Host header by itself, with a bare status; see `refuseWithoutHost`. */
const nodeOptions = {
  requireHostHeader: false,
  // How often Node looks for requests that take too long to arrive; half a minute by default.
  connectionsCheckingInterval: 1_000,
};

function makeInstance(
  settings: FastifyServerOptions,
  options: HttpServerOptions,
): Result<FastifyInstance, HttpStartError> {
  const { tls } = options;
  if (tls === null) return ok(fastify({ ...settings, http: nodeOptions }));
  const secure = {
    ...nodeOptions,
    ...secureContextOf(tls),
    handshakeTimeout: resolveLimits(options.limits).headersTimeoutMs,
    ...(tls.clientAuthority === null
      ? {}
      : { requestCert: true, rejectUnauthorized: tls.requiresCertificate ?? true }),
  };
  try {
    return ok(fastify({ ...settings, serverFactory: (handler) => createHttpsServer(secure, handler) }));
  } catch (error) {
    return unusableTls(error);
  }
}

/** What a listener can be given anew while it runs. */
function secureContextOf({ certificate, key, clientAuthority }: TlsMaterial) {
  return {
    cert: certificate,
    key,
    minVersion: 'TLSv1.2' as const,
    ...(clientAuthority === null ? {} : { ca: clientAuthority }),
  };
}

function replaceTls(app: FastifyInstance, tls: TlsMaterial): Result<null, HttpStartError> {
  const { server } = app;
  assert(server instanceof HttpsServer, 'only a server with TLS has certificates');
  try {
    server.setSecureContext(secureContextOf(tls));
    return ok(null);
  } catch (error) {
    return unusableTls(error);
  }
}

function unusableTls(error: unknown): Failed<HttpStartError> {
  return failed({
    code: 'INVALID_TLS',
    message: `The certificate or key cannot be used: ${messageOf(error)}. Both must be PEM and belong together.`,
  });
}

/** RFC 9112, section 3.2: such a request of HTTP/1.1 must be refused. */
function refuseWithoutHost(app: FastifyInstance, controller: HttpServerOptions['controller']): void {
  app.addHook('onRequest', (request, reply, next) => {
    if (request.raw.httpVersion !== '1.1' || request.raw.headers.host !== undefined) {
      next();
      return;
    }
    sendOwnProblem(reply, controller, {
      code: 'INVALID_REQUEST',
      message: 'The request has no Host header, which HTTP/1.1 demands.',
    });
  });
}

/** A body that is empty means no fields; keys that reach an object's prototype are refused. */
function acceptJsonOnly(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parseJson(request, String(body), done);
  });
}

function refuseWhileClosing(
  app: FastifyInstance,
  controller: HttpServerOptions['controller'],
  closing: { readonly isClosing: boolean },
): void {
  app.addHook('onRequest', (_request, reply, next) => {
    if (!closing.isClosing) {
      next();
      return;
    }
    sendOwnProblem(reply, controller, {
      code: 'NOT_CONTROLLER',
      message: 'This node is stopping. Nothing was changed; ask another node.',
    });
  });
  app.addHook('onSend', (_request, reply, _payload, next) => {
    if (closing.isClosing) reply.header('connection', 'close');
    next();
  });
}

async function listen(
  app: FastifyInstance,
  options: HttpServerOptions,
): Promise<Result<string, HttpStartError>> {
  const { host, port } = options.listen;
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    return failed(listenError(error, host, port));
  }
  const address = assertDefined(app.server.address(), 'a listening server has an address');
  assert(typeof address === 'object', 'HTTP listens on a port, not on a pipe');
  return ok(urlOf(address, options));
}

function urlOf(address: AddressInfo, options: HttpServerOptions): string {
  const scheme = options.tls === null ? 'http' : 'https';
  const { host } = options.listen;
  return `${scheme}://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${address.port}`;
}

function listenError(error: unknown, host: string, port: number): HttpStartError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return {
      code: 'ADDRESS_IN_USE',
      message: `Port ${port} on ${host} is taken by another process. Stop that one or choose another port.`,
    };
  }
  return {
    code: 'ADDRESS_UNAVAILABLE',
    message: `HTTP cannot listen on ${host}:${port}: ${messageOf(error)}. Choose an address of this machine and a port above 1023.`,
  };
}

function closeOnce(
  app: FastifyInstance,
  context: RouteContext,
  closing: { isClosing: boolean },
  streams: WatchStreams,
): () => Promise<void> {
  let closed: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    closing.isClosing = true;
    streams.close();
    const giveUp = setTimeout(() => {
      context.submissions.giveUp();
      // The answers are written by now; whoever still holds a connection open is cut off.
      setImmediate(() => app.server.closeAllConnections());
    }, context.limits.closeGraceMs);
    await app.close();
    clearTimeout(giveUp);
  };
  return () => {
    closed ??= close();
    return closed;
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
