import type { BatchNode } from '../batch-history.ts';
import { lastCommon, type Checker, type ClusterObservation } from '../observation.ts';

/**
 * A node never takes a record out of its log that was committed in its epoch or an earlier one, not even where it does
 * not know it to be committed. One that was committed in a later epoch it may still take out, for the leader of its
 * own epoch, which did not have it: nobody has counted on this node for it.
 */
export function committedNeverTruncated(cluster: ClusterObservation): Checker {
  /** Of the leader that committed it. */
  const epochs = new Map<BatchNode, number>();
  const checker: Checker = {
    name: 'committed is never truncated',
    source: 'Raft paper, 5.3 and 5.4.3; KIP-595',
    onCommitted(batch, _by, epoch) {
      epochs.set(batch, epoch);
    },
    onEffects(node, _input, effects) {
      for (const effect of effects) {
        if (effect.type !== 'truncateLog') continue;
        const epoch = node.view?.epoch ?? 0;
        let common = lastCommon(node.tip, cluster.committed);
        while (common.endOffset > effect.to && (epochs.get(common) ?? 0) > epoch) {
          common = common.parent ?? cluster.history.root;
        }
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
