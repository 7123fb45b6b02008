import type { NodeId } from '../../src/base/brands.ts';
import type { Effect } from '../../src/raft/effects.ts';
import type { Message } from '../../src/raft/messages.ts';
import { sameReplica } from '../../src/raft/replica-key.ts';
import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

/**
 * Whoever hears of a higher epoch, in a request or in an answer, enters it: a node that is alone in its epoch
 * would otherwise never be heard again. A pre-vote asks for nothing of the kind (KIP-996), and what is meant
 * for another disk is nobody's (KIP-853).
 */
export function higherEpochsAreEntered(cluster: ClusterObservation): Checker {
  const checker: Checker = {
    name: 'a higher epoch is entered',
    source: 'Raft paper, Figure 2, "Rules for Servers, All Servers"; etcd 5468',
    onEffects(node, input, effects) {
      if (input.type !== 'messageReceived' || node.view === null) return;
      const { message, from } = input;
      if (message.epoch <= node.view.epoch || !bindsNode(node, message)) return;
      if (epochAfter(node.view.epoch, effects) >= message.epoch || isCalledBad(effects, from)) return;
      const what = `hears of epoch ${message.epoch} in a ${message.type} of node ${from}`;
      cluster.fail(checker, `${node.process.name} ${what} and stays in epoch ${node.view.epoch}`);
    },
  };
  return checker;
}

function bindsNode(node: ObservedNode, message: Message): boolean {
  if (message.type === 'voteRequest') return !message.preVote && sameReplica(message.voter, node.key);
  return message.type !== 'beginQuorumEpochRequest' || sameReplica(message.voter, node.key);
}

function epochAfter(before: number, effects: readonly Effect[]): number {
  let epoch = before;
  for (const effect of effects) {
    if (effect.type === 'persistQuorumState') epoch = Math.max(epoch, effect.state.epoch);
    // What is to be persisted waits while another write of the quorum state is under way.
    if (effect.type === 'roleChanged') epoch = Math.max(epoch, effect.epoch);
  }
  return epoch;
}

function isCalledBad(effects: readonly Effect[], from: NodeId): boolean {
  return effects.some((effect) => effect.type === 'badMessage' && effect.from === from);
}
