import type { FastifyInstance } from 'fastify';
import { jsonContentType } from '../../client/protocol/headers.ts';
import { ownStanding, sendOwnProblem, setStanding } from '../answers.ts';
import { fieldsOf } from '../compiled-operation.ts';
import type { HttpServerOptions } from '../options.ts';
import type { RouteContext } from '../route-context.ts';
import { descriptionPath } from './described-routes.ts';
import { type ApiDocument, describeApi } from './document.ts';

/** `/openapi.json`, made when it is first asked for, and `/docs` where an API browser is wanted. */
export async function addApiDescription(
  app: FastifyInstance,
  { controller }: RouteContext,
  options: HttpServerOptions,
): Promise<void> {
  let document: ApiDocument | null = null;
  const describe = (): ApiDocument => {
    document ??= describeApi(options.operations, options.version ?? 'unknown', options.resources);
    return document;
  };
  app.route({
    method: 'GET',
    url: descriptionPath,
    config: { isPublic: true },
    handler: (request, reply) => {
      const unknownField = Object.keys(fieldsOf(request.query))[0];
      if (unknownField !== undefined) {
        const message = `The query has no field '${unknownField}'.`;
        sendOwnProblem(reply, controller, { code: 'INVALID_REQUEST', message });
        return;
      }
      setStanding(reply, ownStanding(controller.status()));
      reply.type(jsonContentType).send(JSON.stringify(describe()));
    },
  });
  if (options.apiBrowser !== true) return;
  const { addApiBrowser } = await import('./browser.ts');
  await addApiBrowser(app, describe());
}
