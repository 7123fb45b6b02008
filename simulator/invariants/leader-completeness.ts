import { holds, type Checker, type ClusterObservation, type ObservedNode } from '../observation.ts';

/**
 * A record committed in one epoch is in the log of the leader of every later epoch: of those that lead
 * when it is committed, and of those elected afterwards.
 */
export function leaderCompleteness(cluster: ClusterObservation): Checker {
  /** The epoch each node was last seen to lead in its present life. */
  const leading = new Map<ObservedNode, number>();
  const checker: Checker = {
    name: 'leader completeness',
    source: 'Raft paper, 5.4.3 and Figure 3',
    afterBoot(node) {
      leading.delete(node);
    },
    afterEvent(node, view) {
      if (view.role !== 'leader') {
        leading.delete(node);
        return;
      }
      if (leading.get(node) === view.epoch) return;
      leading.set(node, view.epoch);
      const { committed } = cluster;
      if (view.epoch < committed.epoch || holds(node.tip, committed)) return;
      const lacked = `batch ${committed.baseOffset} of epoch ${committed.epoch}`;
      cluster.fail(checker, `${node.process.name} leads epoch ${view.epoch} without the committed ${lacked}`);
    },
    onCommitted(batch, _by, commitEpoch) {
      for (const [node, epoch] of leading) {
        if (node.view === null || epoch <= commitEpoch || holds(node.tip, batch)) continue;
        const what = `batch ${batch.baseOffset} was committed in epoch ${commitEpoch}`;
        cluster.fail(checker, `${what} while ${node.process.name} leads epoch ${epoch} without it`);
      }
    },
  };
  return checker;
}
