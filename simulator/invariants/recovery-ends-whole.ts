import {
  holds,
  lastCommon,
  type Checker,
  type ClusterObservation,
  type ObservedNode,
} from '../observation.ts';

/**
 * A node that had lost records trusts its log again only when it holds on disk
 * 1. what it had acknowledged, as far as the leader's log still has it: its forgotten acknowledgement may be
 *    what commits those records;
 * 2. because it does not know what that is, everything up to the log end that a leader, which has committed in
 *    its own epoch, has stated in some answer since the node's start.
 */
export function recoveryEndsWhole(cluster: ClusterObservation): Checker {
  const recovering = new Set<ObservedNode>();
  /** The lowest log end that a leader has stated to the node in its present life. */
  const stated = new Map<ObservedNode, number>();
  const checker: Checker = {
    name: 'a recovery ends with everything that was acknowledged',
    source: 'design 19; Protocol-Aware Recovery, FAST 2018',
    afterBoot(node) {
      stated.delete(node);
      if (node.view?.isRecovering === true) recovering.add(node);
      else recovering.delete(node);
    },
    onEffects(node, input) {
      if (!recovering.has(node) || input.type !== 'messageReceived') return;
      const { message } = input;
      if (message.type !== 'fetchResponse' || message.outcome.kind !== 'records') return;
      const { highWatermark, epochStartOffset, logEndOffset } = message.outcome;
      if (highWatermark <= epochStartOffset) return;
      stated.set(node, Math.min(logEndOffset, stated.get(node) ?? logEndOffset));
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
    const { lostTip, durableTip } = node;
    const end = stated.get(node);
    const name = node.process.name;
    if (end === undefined) cluster.fail(checker, `${name} ends its recovery before a leader has answered`);
    if (durableTip.endOffset < end) {
      cluster.fail(checker, `${name} ends its recovery at ${durableTip.endOffset}, and a leader has ${end}`);
    }
    const leader = cluster.nodes.find(({ view }) => view?.role === 'leader' && view.epoch === epoch);
    if (lostTip === null || leader === undefined) return;
    const needed = lastCommon(leader.tip, lostTip);
    if (needed.endOffset <= (node.view?.logStart.endOffset ?? 0)) return;
    if (holds(durableTip, needed)) return;
    const had = `had acknowledged ${needed.endOffset}, which ${leader.process.name} has`;
    const has = `its disk holds ${durableTip.endOffset}`;
    cluster.fail(checker, `${name} ends its recovery and ${had}, and ${has}`);
  }
  return checker;
}
