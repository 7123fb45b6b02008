import type { FastifyInstance } from 'fastify';
import type { Partition } from '../partition.ts';
import type { RouteContext } from './route-context.ts';

/** What the broker believes of itself, for people and programs: `GET /v1/health` and `GET /v1/partitions`. */
export function addStandingRoutes(app: FastifyInstance, { node }: RouteContext): void {
  app.get('/v1/health', (_request, reply) => {
    const { id, agent } = node();
    const holdsLease = agent !== null && !agent.lease.aborted;
    reply.type('application/json').send(
      JSON.stringify({
        brokerId: id,
        state: agent?.state ?? 'starting',
        brokerEpoch: agent?.brokerEpoch ?? null,
        incarnationId: agent?.incarnationId ?? null,
        fenced: !holdsLease,
        lease: { isHeld: holdsLease, remainingMs: agent?.leaseRemainingMs ?? 0 },
        metadataOffset: agent?.metadataOffset ?? 0,
      }),
    );
  });
  app.get('/v1/partitions', (_request, reply) => {
    const partitions = node().partitions.all.map(shown);
    reply.type('application/json').send(JSON.stringify({ partitions }));
  });
}

function shown(partition: Partition): Readonly<Record<string, unknown>> {
  const { topic, topicId, view, replica, logStartOffset, sizeInBytes, load } = partition;
  const { role, leaderEpoch, logEndOffset, flushedOffset, highWatermark } = replica;
  return {
    topic,
    topicId,
    partition: partition.partition,
    role,
    leader: view?.leader ?? null,
    leaderEpoch,
    partitionEpoch: view?.partitionEpoch ?? null,
    replicas: view?.replicas ?? [],
    isr: view?.isr ?? [],
    logStartOffset,
    highWatermark,
    flushedOffset,
    logEndOffset,
    sizeInBytes,
    ...load,
  };
}
