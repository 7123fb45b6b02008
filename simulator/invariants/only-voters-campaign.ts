import { sameReplica } from '../../src/raft/replica-key.ts';
import type { Checker, ClusterObservation, NodeView, ObservedNode } from '../observation.ts';

/** Only a voter that trusts its own log campaigns, votes or leads. */
export function onlyVotersCampaign(cluster: ClusterObservation): Checker {
  const checker: Checker = {
    name: 'only voters campaign',
    source: 'KIP-595, KIP-853; KAFKA-17067; design 19',
    onSend(node, _to, peerMessage) {
      if (peerMessage.channel !== 'raft') return;
      const { message } = peerMessage;
      if (message.type === 'voteRequest') check(node, 'asks for votes');
      if (message.type === 'voteResponse' && message.voteGranted && !message.preVote) {
        checkVoter(node);
      }
    },
    afterEvent(node, view) {
      if (view.role === 'candidate' || view.role === 'prospective') check(node, `is ${view.role}`);
    },
  };

  function check(node: ObservedNode, what: string): void {
    const view = node.view;
    if (view === null) return;
    if (view.isRecovering) cluster.fail(checker, `${node.process.name} ${what} while recovering`);
    if (cluster.votersInLogOf(node).some((voter) => sameReplica(voter, node.key))) return;
    if (leavesUncommitted(node, view)) return;
    cluster.fail(checker, `${node.process.name} ${what} and is no voter`);
  }

  /** A voter of the set before may campaign until the one in force is known to be committed (Raft thesis, 4.2.2). */
  function leavesUncommitted(node: ObservedNode, view: NodeView): boolean {
    const set = cluster.voterSets.at(node.tip);
    if (set === null || set.by.endOffset <= view.highWatermark) return false;
    return set.before?.voters.some((voter) => sameReplica(voter, node.key)) ?? false;
  }

  /** A node may vote before it has learned that it is a voter (KIP-853); a recovering one never votes. */
  function checkVoter(node: ObservedNode): void {
    if (node.view?.isRecovering === true)
      cluster.fail(checker, `${node.process.name} votes while recovering`);
    if (node.isDamaged && !node.hasUnseenDamage && cluster.readDurable(node).isDamaged) {
      cluster.fail(checker, `${node.process.name} votes on a damaged disk`);
    }
  }
  return checker;
}
