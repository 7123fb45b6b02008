import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import type { NodeMetrics } from '../../runtime/measurements/node-metrics.ts';
import { ownStanding, sendOwnProblem, setStanding } from '../answers.ts';
import { fieldsOf } from '../compiled-operation.ts';
import type { RouteContext } from '../route-context.ts';
import { registryOf } from './node-registry.ts';
import type { ProcessMeter } from './process-meter.ts';

export const metricsPath = '/metrics';

/** `/metrics`, in the text format of Prometheus. */
export function addMetricsRoute(
  app: FastifyInstance,
  { controller }: RouteContext,
  meter: ProcessMeter,
): void {
  app.route({
    method: 'GET',
    url: metricsPath,
    handler: async (request, reply) => {
      const unknownField = Object.keys(fieldsOf(request.query))[0];
      if (unknownField !== undefined) {
        const message = `The query has no field '${unknownField}'.`;
        sendOwnProblem(reply, controller, { code: 'INVALID_REQUEST', message });
        return reply;
      }
      const measured = await new Promise<NodeMetrics | null>((resolve) => {
        if (controller.metrics === undefined) resolve(null);
        else controller.metrics(resolve);
      });
      const registries = measured === null ? [meter.registry] : [registryOf(measured), meter.registry];
      const text = await Promise.all(registries.map((registry) => registry.metrics()));
      setStanding(reply, ownStanding(controller.status()));
      return reply.type(Registry.PROMETHEUS_CONTENT_TYPE).send(text.join('\n'));
    },
  });
}
