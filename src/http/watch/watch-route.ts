import type { FastifyInstance, FastifyReply } from 'fastify';
import { apiPrefix } from '../../client/protocol/headers.ts';
import { binaryWatchContentType, lastEventIdHeader, streamOperations } from '../../client/protocol/watch.ts';
import type { WatchEnd, WatchRequest } from '../../runtime/watch/watch-api.ts';
import { ownStanding, sendOwnProblem, standingHeaders } from '../answers.ts';
import { findDishonoured, findForbidden, type Identity, identityOf } from '../authentication/index.ts';
import { compileOperation, fieldsOf } from '../compiled-operation.ts';
import type { RouteContext } from '../route-context.ts';
import { createWatchFormats, type WatchFormat } from './formats.ts';
import { readWatchRequest } from './watch-request.ts';
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
      const asked = readWatchRequest(compiled, fieldsOf(request.query), request.headers[lastEventIdHeader]);
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
