import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

type Vote = { epoch: number; candidate: number };

/**
 * One identity, which is one directory, gives one vote in an epoch, over all its lives: to a candidate or,
 * by asking for votes, to itself. It never votes in an epoch below one in which it has voted.
 */
export function oneVotePerEpoch(cluster: ClusterObservation): Checker {
  const votes = new Map<string, Vote>();
  const checker: Checker = {
    name: 'one vote in an epoch',
    source: 'Raft paper, 5.2; KIP-853, the voter is (id, directory id)',
    onSend(node, to, peerMessage) {
      if (peerMessage.channel !== 'raft') return;
      const { message } = peerMessage;
      if (message.type === 'voteRequest' && !message.preVote) {
        note(node, message.candidate.directoryId, { epoch: message.epoch, candidate: node.id });
      } else if (message.type === 'voteResponse' && message.voteGranted && !message.preVote) {
        note(node, message.voter.directoryId, { epoch: message.requestEpoch, candidate: to });
      }
    },
  };

  function note(node: ObservedNode, directoryId: string, vote: Vote): void {
    const before = votes.get(directoryId);
    if (before === undefined || before.epoch < vote.epoch) {
      votes.set(directoryId, vote);
      return;
    }
    if (before.epoch === vote.epoch && before.candidate === vote.candidate) return;
    const told = `it had voted for ${before.candidate} in epoch ${before.epoch}`;
    cluster.fail(
      checker,
      `${node.process.name} votes for ${vote.candidate} in epoch ${vote.epoch}, and ${told}`,
    );
  }
  return checker;
}
