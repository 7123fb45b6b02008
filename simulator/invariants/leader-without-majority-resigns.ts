import type { RaftConfig } from '../../src/raft/config.ts';
import { quarterOfFetchTimeoutMs } from '../../src/raft/limits.ts';
import type { Checker, ClusterObservation, NodeView, ObservedNode } from '../observation.ts';

/** What a leader's process has been awake for since it began to lead, and when it last heard of each voter. */
type Reign = {
  readonly epoch: number;
  awakeUs: number;
  seenUs: number;
  readonly heardUs: Map<number, number>;
};

/**
 * A leader resigns after one and a half fetch timeouts in which no majority has fetched from it, so that its
 * clients do not wait where nothing can be committed; three are allowed for rounds under way and for drift.
 * Time in which its process stood still counts for a quarter of a timeout at most: what arrived then may lie
 * in its sockets.
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
        reigns.set(node, { epoch: view.epoch, awakeUs: 0, seenUs: nowUs, heardUs: new Map() });
        return;
      }
      reign.awakeUs += Math.min(nowUs - reign.seenUs, longestStepUs);
      reign.seenUs = nowUs;
      if (reign.awakeUs > boundUs) judge(node, view, reign);
    },
  };

  function judge(node: ObservedNode, view: NodeView, reign: Reign): void {
    let heard = 0;
    for (const { id } of view.voters) {
      if (id === node.id || reign.awakeUs - (reign.heardUs.get(id) ?? 0) <= boundUs) heard++;
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
