import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

/**
 * Once a follower has taken records of its leader, its log is the beginning of that leader's, which only
 * grows: it truncates nothing more in this epoch. This finds a truncation of what was acknowledged where
 * nobody has come to commit it yet.
 */
export function leadersRecordsStay(cluster: ClusterObservation): Checker {
  const followed = new Map<ObservedNode, number>();
  const checker: Checker = {
    name: "a leader's records are not truncated in its epoch",
    source: 'Raft paper, Figure 3, leader append-only and log matching; microsoft/CCF 5991',
    afterBoot(node) {
      followed.delete(node);
    },
    onEffects(node, input, effects) {
      if (input.type !== 'messageReceived' || input.message.type !== 'fetchResponse') return;
      const { epoch } = input.message;
      for (const effect of effects) {
        if (effect.type === 'appendBatches') followed.set(node, epoch);
        if (effect.type !== 'truncateLog' || followed.get(node) !== epoch) continue;
        const what = `truncates to ${effect.to} in epoch ${epoch}, in which it has taken records`;
        cluster.fail(checker, `${node.process.name} ${what}`);
      }
    },
  };
  return checker;
}
