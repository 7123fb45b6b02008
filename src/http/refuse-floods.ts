import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { ProblemInput } from '../client/protocol/problem.ts';
import type { ControllerApi } from '../runtime/controller-api.ts';
import { sendOwnProblem } from './answers.ts';
import type { RateLimiter } from './rate-limiter.ts';

/**
 * Each principal at its own rate. Heartbeats are not counted: one that is refused costs a broker its lease, and
 * who may send them for whom is bounded by the brokers that there are.
 */
export function refuseFloods(app: FastifyInstance, limiter: RateLimiter, controller: ControllerApi): void {
  app.addHook('onRequest', (request, reply, next) => {
    const { identity } = request;
    const isCounted = identity !== null && request.routeOptions.config?.isHeartbeat !== true;
    const retryAfterMs = isCounted ? limiter.take(identity.principal) : 0;
    if (retryAfterMs === 0) {
      next();
      return;
    }
    sendOwnProblem(reply, controller, tooMany(identity?.principal ?? '', retryAfterMs));
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly isHeartbeat?: boolean;
  }
}

function tooMany(principal: string, retryAfterMs: number): ProblemInput {
  return {
    code: 'THROTTLING_QUOTA_EXCEEDED',
    message: `${principal} sends more requests than one principal may (requestsPerSecond). Nothing was changed.`,
    retryAfterMs,
  };
}

/** One address shall not take all connections; one more than it may have is closed before anything is read. */
export function boundConnectionsPerAddress(server: Server, max: number): void {
  const counts = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    // A socket that has gone already has no address any more, and takes nobody's place.
    const address = socket.remoteAddress;
    if (address === undefined) return;
    const count = (counts.get(address) ?? 0) + 1;
    if (count > max) {
      socket.destroy();
      return;
    }
    counts.set(address, count);
    socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left === 0) counts.delete(address);
      else counts.set(address, left);
    });
  });
}
