import {
  holds,
  lastCommon,
  type Checker,
  type ClusterObservation,
  type ObservedNode,
} from '../observation.ts';

/**
 * A node that had lost records trusts its log again only when it holds on disk what it had acknowledged, as far
 * as the leader's log still has it: its forgotten acknowledgement may be what commits those records.
 */
export function recoveryEndsWhole(cluster: ClusterObservation): Checker {
  const recovering = new Set<ObservedNode>();
  const checker: Checker = {
    name: 'a recovery ends with everything that was acknowledged',
    source: 'design 19; Protocol-Aware Recovery, FAST 2018',
    afterBoot(node) {
      recovering.delete(node);
    },
    afterEvent(node, view) {
      if (view.isRecovering) {
        recovering.add(node);
      } else if (recovering.delete(node)) {
        judge(node, view.epoch);
      }
    },
  };

  function judge(node: ObservedNode, epoch: number): void {
    const { lostTip } = node;
    const leader = cluster.nodes.find(({ view }) => view?.role === 'leader' && view.epoch === epoch);
    if (lostTip === null || leader === undefined) return;
    const needed = lastCommon(leader.tip, lostTip);
    if (needed.endOffset <= (node.view?.logStart.endOffset ?? 0)) return;
    if (holds(node.durableTip, needed)) return;
    const had = `had acknowledged ${needed.endOffset}, which ${leader.process.name} has`;
    const has = `its disk holds ${node.durableTip.endOffset}`;
    cluster.fail(checker, `${node.process.name} ends its recovery and ${had}, and ${has}`);
  }
  return checker;
}
