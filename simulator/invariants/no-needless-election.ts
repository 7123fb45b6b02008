import { budgets } from '../faults/budget.ts';
import type { Schedule } from '../faults/schedule.ts';
import type { Checker, ClusterObservation } from '../observation.ts';

/**
 * Where nothing fails, and where nodes stall for less than any timeout, the first leader leads to the end.
 * Silent under a budget that does not promise it.
 */
export function noNeedlessElection(cluster: ClusterObservation, schedule: Schedule): Checker {
  const { assumes, promises } = budgets[schedule.config.budget];
  let leader: { readonly name: string; readonly epoch: number } | null = null;
  const checker: Checker = {
    name: 'no election without a reason',
    source: 'Raft paper, 5.2; issue: runs without faults, and with stalls below the timeout',
    onEffects(node, _input, effects) {
      if (!promises.noFurtherElection) return;
      for (const effect of effects) {
        if (effect.type !== 'roleChanged') continue;
        const name = node.process.name;
        // Nodes that have not heard of the first leader yet may still be on their way to its epoch.
        if (leader !== null && (effect.role === 'leader' || effect.epoch > leader.epoch)) {
          const before = `${leader.name} leads epoch ${leader.epoch}, where ${assumes}`;
          cluster.fail(checker, `${name} becomes ${effect.role} in epoch ${effect.epoch}, and ${before}`);
        }
        if (effect.role === 'leader') leader = { name, epoch: effect.epoch };
      }
    },
  };
  return checker;
}
