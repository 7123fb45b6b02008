import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isOffset, isUuid } from '../../base/brands.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { apiPrefix } from '../../client/protocol/headers.ts';
import {
  binaryWatchContentType,
  lastEventIdHeader,
  streamOperations,
  type WatchQuery,
} from '../../client/protocol/watch.ts';
import type { WatchEnd, WatchRequest } from '../../runtime/watch/watch-api.ts';
import { ownStanding, sendOwnProblem, standingHeaders } from '../answers.ts';
import { findDishonoured, findForbidden, type Identity, identityOf } from '../authentication/index.ts';
import { checkInput, compileOperation, fieldsOf, type CompiledOperation } from '../compiled-operation.ts';
import type { RouteContext } from '../route-context.ts';
import { createWatchFormats, type WatchFormat } from './formats.ts';
import { WatchStream } from './watch-stream.ts';

/** The streams that are open; a server that closes ends them. */
export type WatchStreams = { readonly count: () => number; readonly close: () => void };

export type WatchContext = RouteContext & {
  /** Wall clock, by which tokens expire. */
  readonly wallMs: () => number;
};

/** `GET /v1/watch`: the committed log as server-sent events, or as binary frames to whoever accepts those. */
export function addWatchRoute(app: FastifyInstance, context: WatchContext): WatchStreams {
  const compiled = compileOperation(streamOperations.watch);
  const formats = createWatchFormats();
  const streams = new Set<WatchStream>();
  app.route({
    method: 'GET',
    url: apiPrefix + streamOperations.watch.path,
    // Its head alone says nothing, and a stream without a body would never end.
    exposeHeadRoute: false,
    handler: (request, reply) => {
      const identity = identityOf(request);
      const forbidden = findForbidden(identity, streamOperations.watch);
      if (forbidden !== null) {
        sendOwnProblem(reply, context.controller, forbidden);
        return;
      }
      const asked = readRequest(request, compiled);
      if (!asked.ok) {
        sendOwnProblem(reply, context.controller, { code: 'INVALID_REQUEST', message: asked.error });
        return;
      }
      const isBinary = (request.headers.accept ?? '').includes(binaryWatchContentType);
      const format = isBinary ? formats.binary : formats.eventStream;
      begin({ asked: asked.value, identity, format, reply, streams }, context);
    },
  });
  return {
    count: () => streams.size,
    close: () => {
      for (const stream of streams) stream.close();
    },
  };
}

type Begin = {
  readonly asked: WatchRequest;
  readonly identity: Identity;
  readonly format: WatchFormat;
  readonly reply: FastifyReply;
  readonly streams: Set<WatchStream>;
};

function begin({ asked, identity, format, reply, streams }: Begin, context: WatchContext): void {
  const { controller, limits, wallMs } = context;
  if (controller.openWatch === undefined) {
    sendOwnProblem(reply, controller, {
      code: 'RESOURCE_NOT_FOUND',
      message: 'This node offers no watch; ask another.',
    });
    return;
  }
  const stream = new WatchStream({
    response: reply.raw,
    format,
    since: asked.since,
    stallMs: limits.watchStallMs,
    findDishonoured: () => findDishonoured(identity, controller, wallMs()),
    onBegun: () => {
      reply.hijack();
      reply.raw.writeHead(200, {
        ...standingHeaders(ownStanding(controller.status())),
        'content-type': format.contentType,
        'cache-control': 'no-store',
        // A proxy that gathers an answer before it passes it on would pass on nothing.
        'x-accel-buffering': 'no',
      });
    },
    onRefused: (end) => refuse(end, reply, context),
    onClosed: (closed) => streams.delete(closed),
  });
  streams.add(stream);
  stream.attach(controller.openWatch(asked, stream));
}

function refuse(
  { code, message, logStartOffset }: WatchEnd,
  reply: FastifyReply,
  context: RouteContext,
): void {
  sendOwnProblem(reply, context.controller, {
    code,
    message,
    ...(logStartOffset === null ? {} : { details: { logStartOffset } }),
  });
}

function readRequest(request: FastifyRequest, compiled: CompiledOperation): Result<WatchRequest, string> {
  const input = checkInput(compiled, {}, fieldsOf(request.query), undefined);
  if (!input.ok) return input;
  // The border to the schema: the check above has established its form.
  const { since, kinds, clusterId } = input.value.query as WatchQuery;
  const resumed = readLastEventId(request.headers[lastEventIdHeader]);
  if (!resumed.ok) return resumed;
  return ok({
    // Whoever comes again asks for the same address, and says beside it how far it has come.
    since: resumed.value ?? (isOffset(since) ? since : null),
    clusterId: isUuid(clusterId) ? clusterId : null,
    kinds: kinds ?? null,
  });
}

function readLastEventId(
  header: string | readonly string[] | undefined,
): Result<WatchRequest['since'], string> {
  if (header === undefined || header === '') return ok(null);
  const value = typeof header === 'string' && /^\d{1,16}$/.test(header) ? Number(header) : null;
  return isOffset(value)
    ? ok(value)
    : failed('Last-Event-ID must be the id of an event of this stream, an offset.');
}
