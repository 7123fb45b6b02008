import type { FastifyInstance, FastifyReply } from 'fastify';
import { assertDefined } from '../../base/assert.ts';
import type { ProblemInput } from '../../client/protocol/problem.ts';
import type { ControllerApi } from '../../runtime/controller-api.ts';
import { sendOwnProblem } from '../answers.ts';
import type { Authenticator } from './authenticator.ts';
import type { Identity } from './identity.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null at a public route. */
    identity: Identity | null;
  }
  interface FastifyContextConfig {
    /** A route that asks nobody who they are, as probes do. Every other one is closed to strangers. */
    readonly isPublic?: boolean;
  }
}

/** Before anything of the request is read: a stranger learns not even which paths there are. */
export function refuseStrangers(
  app: FastifyInstance,
  authenticate: Authenticator,
  controller: ControllerApi,
): void {
  app.decorateRequest('identity', null);
  app.addHook('onRequest', (request, reply, next) => {
    if (request.routeOptions.config?.isPublic === true) {
      next();
      return;
    }
    const identified = authenticate(request.raw);
    if (identified.ok) {
      request.identity = identified.value;
      next();
      return;
    }
    sendStranger(reply, controller, identified.error, request.headers.authorization !== undefined);
  });
}

/** RFC 6750, section 3: the scheme, and whether what was shown was at fault. */
function sendStranger(
  reply: FastifyReply,
  controller: ControllerApi,
  problem: ProblemInput,
  hasShownSomething: boolean,
): void {
  if (problem.code === 'SASL_AUTHENTICATION_FAILED') {
    const fault = hasShownSomething ? ', error="invalid_token"' : '';
    reply.header('www-authenticate', `Bearer realm="ottla"${fault}`);
  }
  sendOwnProblem(reply, controller, problem);
}

/** Who asks, behind the hook above. */
export function identityOf({ identity }: { readonly identity: Identity | null }): Identity {
  return assertDefined(identity, 'a route that is not public knows who asks');
}
