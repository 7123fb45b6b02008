import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

/**
 * What a node has told others of its epoch it still knows after a restart from the same disk; and it restarts
 * in no epoch that was never begun, as by a quorum state that was read without a look at what it is.
 */
export function epochSurvivesRestart(cluster: ClusterObservation): Checker {
  const told = new Map<ObservedNode, { readonly directoryId: string; epoch: number }>();
  let highest = 0;
  const checker: Checker = {
    name: 'the epoch survives a restart',
    source: 'Raft paper, Figure 2, currentTerm is persistent state',
    onEffects(_node, _input, effects) {
      for (const effect of effects) {
        if (effect.type === 'persistQuorumState') highest = Math.max(highest, effect.state.epoch);
      }
    },
    afterBoot(node) {
      const last = told.get(node);
      const epoch = node.view?.epoch ?? 0;
      if (epoch > highest) {
        cluster.fail(checker, `${node.process.name} restarts in epoch ${epoch}, which nobody has begun`);
      }
      if (last === undefined || last.directoryId !== node.key.directoryId) return;
      if (epoch < last.epoch) {
        cluster.fail(
          checker,
          `${node.process.name} voted in epoch ${last.epoch} and restarts in epoch ${epoch}`,
        );
      }
    },
    onSend(node, _to, message) {
      if (message.channel !== 'raft') return;
      const { type } = message.message;
      if (type !== 'voteRequest' && type !== 'voteResponse') return;
      if (message.message.preVote) return;
      if (type === 'voteResponse' && !message.message.voteGranted) return;
      const last = told.get(node);
      const { epoch } = message.message;
      if (last?.directoryId === node.key.directoryId) last.epoch = Math.max(last.epoch, epoch);
      else told.set(node, { directoryId: node.key.directoryId, epoch });
    },
  };
  return checker;
}
