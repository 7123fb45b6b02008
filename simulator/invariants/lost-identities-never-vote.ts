import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

/**
 * An identity whose directory was wiped, or whose votes were lost with its quorum state, is never heard
 * again in an election: what it had promised nobody remembers. Whoever stands in its place is another.
 */
export function lostIdentitiesNeverVote(cluster: ClusterObservation): Checker {
  const lost = new Set<string>();
  const present = new Map<ObservedNode, string>();
  const checker: Checker = {
    name: 'lost identities never vote',
    source: 'KIP-853, directory ids; design 19',
    onSend(node, _to, peerMessage) {
      if (peerMessage.channel !== 'raft') return;
      const { message } = peerMessage;
      if (message.type === 'voteRequest') check(node, message.candidate.directoryId, 'asks for votes');
      else if (message.type === 'voteResponse' && message.voteGranted) {
        check(node, message.voter.directoryId, 'votes');
      }
    },
    afterBoot(node) {
      const { directoryId } = node.key;
      const before = present.get(node);
      if (before !== undefined && before !== directoryId) lost.add(before);
      present.set(node, directoryId);
      for (const wiped of node.wipedDirectories) lost.add(wiped);
      if (lost.has(directoryId)) {
        cluster.fail(
          checker,
          `${node.process.name} starts under the identity ${directoryId}, which was lost`,
        );
      }
    },
  };

  function check(node: ObservedNode, directoryId: string, what: string): void {
    const name = node.process.name;
    if (lost.has(directoryId)) cluster.fail(checker, `${name} ${what} as ${directoryId}, which was lost`);
    if (directoryId === node.key.directoryId) return;
    cluster.fail(checker, `${name} ${what} as ${directoryId}, and its directory is ${node.key.directoryId}`);
  }
  return checker;
}
