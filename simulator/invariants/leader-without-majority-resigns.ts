import type { RaftConfig } from '../../src/raft/config.ts';
import { quarterOfFetchTimeoutMs } from '../../src/raft/limits.ts';
import type { Checker, ClusterObservation, NodeView, ObservedNode } from '../observation.ts';

/** What a leader's process has been awake for since it began to lead, and when it last heard of each voter. */
type Reign = {
  readonly epoch: number;
  awakeUs: number;
  seenUs: number;
  readonly heardUs: Map<number, number>;
  /** The set that counts, and for how long the process had been awake when it came into force. */
  voters: NodeView['voters'];
  votersSinceUs: number;
};

/**
 * A leader resigns after one and a half fetch timeouts in which no majority has fetched from it, so that its
 * clients do not wait where nothing can be committed; three are allowed for rounds under way and for drift.
 * Time in which its process stood still counts for a quarter of a timeout at most: what arrived then may lie
 * in its sockets. Of a new set of voters another majority counts, which it may not have heard before: it has the
 * whole time to notice.
 */
export function leaderWithoutMajorityResigns(cluster: ClusterObservation, raft: RaftConfig): Checker {
  const boundUs = 3 * raft.fetchTimeoutMs * 1000;
  const longestStepUs = quarterOfFetchTimeoutMs(raft) * 1000;
  const reigns = new Map<ObservedNode, Reign>();
  const checker: Checker = {
    name: 'a leader without a majority resigns',
    source: 'Raft thesis, 6.2; KIP-595; KAFKA-15489',
    afterBoot(node) {
      reigns.delete(node);
    },
    onEffects(node, input) {
      if (input.type !== 'messageReceived') return;
      const { type } = input.message;
      if (type !== 'fetchRequest' && type !== 'fetchSnapshotRequest') return;
      const reign = reigns.get(node);
      reign?.heardUs.set(input.from, reign.awakeUs);
    },
    afterAnyEvent(node, view) {
      if (view.role !== 'leader') {
        reigns.delete(node);
        return;
      }
      const { nowUs } = cluster.world;
      const reign = reigns.get(node);
      if (reign?.epoch !== view.epoch) {
        const { epoch, voters } = view;
        reigns.set(node, { epoch, awakeUs: 0, seenUs: nowUs, heardUs: new Map(), voters, votersSinceUs: 0 });
        return;
      }
      reign.awakeUs += Math.min(nowUs - reign.seenUs, longestStepUs);
      reign.seenUs = nowUs;
      if (reign.voters !== view.voters) noteVoters(reign, view);
      if (reign.awakeUs > boundUs) judge(node, view, reign);
    },
  };

  function judge(node: ObservedNode, view: NodeView, reign: Reign): void {
    let heard = 0;
    for (const { id } of view.voters) {
      const heardUs = Math.max(reign.heardUs.get(id) ?? 0, reign.votersSinceUs);
      if (id === node.id || reign.awakeUs - heardUs <= boundUs) heard++;
    }
    if (2 * heard > view.voters.length) return;
    const what = `${node.process.name} still leads epoch ${reign.epoch}`;
    cluster.fail(
      checker,
      `${what}, and of ${view.voters.length} voters ${heard} have been heard for ${boundUs} us`,
    );
  }
  return checker;
}

/** What a view shows may be another list of the same voters. */
function noteVoters(reign: Reign, { voters }: NodeView): void {
  const before = reign.voters;
  reign.voters = voters;
  const isSame = voters.length === before.length && voters.every(({ id }, at) => id === before[at]?.id);
  if (!isSame) reign.votersSinceUs = reign.awakeUs;
}
