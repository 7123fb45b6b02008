import type { FastifyInstance } from 'fastify';
import { isReplicaFetch, replicaFetchFault } from '../fetch-message.ts';
import { sendProblem } from '../problems.ts';
import type { RouteContext } from './route-context.ts';

/** `POST /v1/replica/fetch`: what a follower asks its leader, many partitions at once. */
export function addReplicaFetchRoute(app: FastifyInstance, { node }: RouteContext): void {
  app.post('/v1/replica/fetch', async (request, reply) => {
    const { body } = request;
    if (!isReplicaFetch(body)) {
      sendProblem(reply, {
        code: 'INVALID_REQUEST',
        message: `The body is no fetch of a replica: ${replicaFetchFault(body)}.`,
      });
      return reply;
    }
    const answer = await node().replicaAnswers.answer(body);
    reply.type('application/octet-stream').send(answer);
    return reply;
  });
}
