import {
  ancestorAt,
  holds,
  type Checker,
  type ClusterObservation,
  type ObservedNode,
} from '../observation.ts';
import type { BatchNode } from '../batch-history.ts';

/**
 * There is one committed log, and it only grows: whatever a node calls committed lies on the path that
 * every other node calls committed, in this life and in all others.
 */
export function committedLog(cluster: ClusterObservation): Checker {
  /** Each node's high watermark is compared once for each of its values. */
  const compared = new Map<ObservedNode, number>();
  const checker: Checker = {
    name: 'one committed log',
    source: 'Raft paper, 5.4.3, state machine safety; design 21',
    seesUnfinishedSteps: true,
    afterBoot(node) {
      compared.delete(node);
    },
    afterEvent(node, view) {
      const end = view.highWatermark;
      if (compared.get(node) === end) return;
      compared.set(node, end);
      const name = node.process.name;
      if (end > view.logEndOffset) cluster.fail(checker, `${name} calls ${end} committed, past its log end`);
      const own = ancestorAt(node.tip, end);
      if (own.endOffset !== end) cluster.fail(checker, `${name} calls half a batch committed, up to ${end}`);
      const { committed } = cluster;
      if (end <= committed.endOffset) {
        if (cluster.committedAt(end) === own) return;
        cluster.fail(
          checker,
          `${name} calls another log committed up to ${end}, ending in epoch ${own.epoch}`,
        );
      }
      if (!holds(own, committed)) {
        const lacked = `batch ${committed.baseOffset} of epoch ${committed.epoch}`;
        cluster.fail(checker, `${name} calls ${end} committed without the committed ${lacked}`);
      }
      // A leader commits only with a record of its own epoch, which is then the last of them (5.4.2).
      for (const batch of pathBetween(committed, own)) cluster.announceCommitted(batch, node, own.epoch);
    },
  };
  return checker;
}

function pathBetween(from: BatchNode, to: BatchNode): readonly BatchNode[] {
  const path: BatchNode[] = [];
  for (let node = to; node !== from && node.parent !== null; node = node.parent) path.push(node);
  return path.toReversed();
}
