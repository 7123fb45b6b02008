import { lastCommon, type Checker, type ClusterObservation } from '../observation.ts';

/** A node never takes a committed record out of its log, not even one it does not know to be committed. */
export function committedNeverTruncated(cluster: ClusterObservation): Checker {
  const checker: Checker = {
    name: 'committed is never truncated',
    source: 'Raft paper, 5.3 and 5.4.3; KIP-595',
    onEffects(node, _input, effects) {
      for (const effect of effects) {
        if (effect.type !== 'truncateLog') continue;
        const common = lastCommon(node.tip, cluster.committed);
        if (common.endOffset <= effect.to) continue;
        const name = node.process.name;
        cluster.fail(
          checker,
          `${name} truncates to ${effect.to}, and it holds ${common.endOffset} committed`,
        );
      }
    },
  };
  return checker;
}
