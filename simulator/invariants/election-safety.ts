import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

/**
 * At most one leader in an epoch, over all lives of all nodes: a leader that restarts never leads the
 * same epoch again, because it cannot know what it has promised.
 */
export function electionSafety(cluster: ClusterObservation): Checker {
  const leaders = new Map<number, { readonly node: ObservedNode; readonly generation: number }>();
  const checker: Checker = {
    name: 'election safety',
    source: 'Raft paper, 5.2 and Figure 3; design 1',
    afterEvent(node, view) {
      if (view.role !== 'leader') return;
      const { generation } = node.process;
      const known = leaders.get(view.epoch);
      if (known === undefined) {
        leaders.set(view.epoch, { node, generation });
        return;
      }
      if (known.node === node && known.generation === generation) return;
      const first = `${known.node.process.name} (life ${known.generation})`;
      const second = `${node.process.name} (life ${generation})`;
      cluster.fail(checker, `${first} and ${second} both lead epoch ${view.epoch}`);
    },
  };
  return checker;
}
