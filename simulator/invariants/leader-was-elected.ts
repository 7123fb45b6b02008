import type { NodeId } from '../../src/base/brands.ts';
import type { Checker, ClusterObservation, NodeView, ObservedNode } from '../observation.ts';

/** The directories that have voted, by the candidate whom they have voted for. */
type Votes = Map<NodeId, Set<string>>;

/**
 * Whoever leads an epoch was given the votes of that epoch by a majority of its voters, as they were sent:
 * none of another epoch, none twice, no pre-vote and none of a stranger makes up for a missing one. This finds a
 * wrong count where no second leader follows from it.
 */
export function leaderWasElected(cluster: ClusterObservation): Checker {
  const elections = new Map<number, Votes>();
  const leading = new Map<ObservedNode, number>();
  const checker: Checker = {
    name: 'a leader was elected',
    source: 'Raft paper, 5.2; Raft TLA+ specification, elections and votesGranted',
    afterBoot(node) {
      leading.delete(node);
    },
    onSend(_node, to, peerMessage) {
      if (peerMessage.channel !== 'raft') return;
      const { message } = peerMessage;
      if (message.type !== 'voteResponse' || !message.voteGranted || message.preVote) return;
      const votes = votesIn(message.requestEpoch);
      const voters = votes.get(to) ?? new Set();
      votes.set(to, voters.add(message.voter.directoryId));
    },
    afterEvent(node, view) {
      if (view.role !== 'leader' || leading.get(node) === view.epoch) return;
      leading.set(node, view.epoch);
      judge(node, view);
    },
  };

  function votesIn(epoch: number): Votes {
    const votes: Votes = elections.get(epoch) ?? new Map();
    elections.set(epoch, votes);
    return votes;
  }

  function judge(node: ObservedNode, view: NodeView): void {
    const given = votesIn(view.epoch).get(node.id);
    const own = node.key.directoryId;
    // By its log: a leader that goes by another set than the one in force would say so of itself, too.
    const voters = cluster.voterSets.at(node.tip)?.voters ?? view.voters;
    const granting = voters.filter(
      ({ directoryId }) => directoryId === own || given?.has(directoryId) === true,
    );
    if (2 * granting.length > voters.length) return;
    const names = granting.map(({ id }) => id).join(', ');
    const what = `${node.process.name} leads epoch ${view.epoch}`;
    cluster.fail(checker, `${what}, and of ${voters.length} voters only [${names}] have voted for it`);
  }
  return checker;
}
