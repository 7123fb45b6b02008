import type { Checker, ClusterObservation } from '../observation.ts';
import type { ExchangeJudge } from '../workload/operators/exchange.ts';
import type { ControllerRequest } from '../../src/runtime/controller-api.ts';

const heartbeats: ReadonlySet<string> = new Set(['heartbeatBroker', 'heartbeatGroupMember']);

/**
 * A heartbeat is acknowledged by a controller that led when it arrived: none that arrives once another leads a
 * later epoch is acknowledged in an earlier one. The later leader has not heard it, and counts the silence from its
 * own beginning, while the sender takes its lease for renewed. It is judged at the moment of the answer, whatever
 * becomes of the lease.
 */
export function onlyTheLeaderHearsHeartbeats(cluster: ClusterObservation): Checker & ExchangeJudge {
  /** The epoch of the newest leader when a request that is under way arrived. */
  const arrivals = new WeakMap<ControllerRequest, number>();
  let newestEpoch = -1;
  const checker: Checker & ExchangeJudge = {
    name: 'only who leads acknowledges heartbeats',
    source: 'design 13; Gray and Cheriton 1989, leases; Ongaro 2014, 6.4',
    afterEvent(_node, view) {
      if (view.role === 'leader' && view.epoch > newestEpoch) newestEpoch = view.epoch;
    },
    arrived(request) {
      if (heartbeats.has(request.operationId)) arrivals.set(request, newestEpoch);
    },
    answering(request, { epoch, result }, node) {
      const newestAtArrival = arrivals.get(request);
      if (newestAtArrival === undefined || !result.ok || epoch >= newestAtArrival) return;
      const what = `${node.process.name} acknowledges a heartbeat (${request.operationId}) in epoch ${epoch}`;
      cluster.fail(checker, `${what}, and epoch ${newestAtArrival} was led when it arrived`);
    },
  };
  return checker;
}
