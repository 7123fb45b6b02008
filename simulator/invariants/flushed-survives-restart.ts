import type { ReplicaKey } from '../../src/raft/replica-key.ts';
import { sameReplica } from '../../src/raft/replica-key.ts';
import {
  ancestorAt,
  holds,
  type Checker,
  type ClusterObservation,
  type ObservedNode,
} from '../observation.ts';

/**
 * What a node had flushed, and did not truncate, is in its log when it starts again from the same disk. Where the
 * disk was damaged, the node knows of its loss: it is `recovering`, or somebody else. One that votes with less
 * than it has acknowledged, and does not know, elects a leader without what was committed.
 */
export function flushedSurvivesRestart(cluster: ClusterObservation): Checker {
  const lastKeys = new Map<ObservedNode, ReplicaKey>();
  /** How far its log was flushed when it was last seen; a checkpoint may be ahead of that. */
  const flushedOffsets = new Map<ObservedNode, number>();
  const checker: Checker = {
    name: 'what was flushed survives a restart',
    source:
      'Raft paper, Figure 2, log[] is persistent state; Protocol-Aware Recovery (FAST 18); design 17, 19',
    afterBoot(node, flushedBefore) {
      const lastKey = lastKeys.get(node);
      lastKeys.set(node, node.key);
      if (node.view === null) return;
      const isKnown = node.view.isRecovering || lastKey === undefined || !sameReplica(lastKey, node.key);
      if (node.isDamaged && isKnown) return;
      // No acknowledgement rests on a checkpoint alone, so that what only a damaged one held was promised to nobody.
      const promised = node.isDamaged
        ? ancestorAt(flushedBefore, flushedOffsets.get(node) ?? 0)
        : flushedBefore;
      if (node.view.logStart.endOffset >= promised.endOffset || holds(node.tip, promised)) return;
      const found = `starts with a log that ends at ${node.tip.endOffset} in epoch ${node.tip.epoch}`;
      const unaware = node.isDamaged ? ', and does not know of its loss' : '';
      cluster.fail(
        checker,
        `${node.process.name} had flushed ${promised.endOffset} of epoch ${promised.epoch} and ${found}${unaware}`,
      );
    },
    afterEvent(node, view) {
      flushedOffsets.set(node, view.flushedOffset);
    },
  };
  return checker;
}
