import { holds, type Checker, type ClusterObservation } from '../observation.ts';

/** What a node had flushed, and did not truncate, is in its log when it starts again from the same disk. */
export function flushedSurvivesRestart(cluster: ClusterObservation): Checker {
  const checker: Checker = {
    name: 'what was flushed survives a restart',
    source: 'Raft paper, Figure 2, log[] is persistent state; design 17, 19',
    afterBoot(node, flushedBefore) {
      if (node.isDamaged || node.view === null) return;
      if (node.view.logStart.endOffset >= flushedBefore.endOffset) return;
      if (holds(node.tip, flushedBefore)) return;
      const found = `starts with a log that ends at ${node.tip.endOffset} in epoch ${node.tip.epoch}`;
      cluster.fail(
        checker,
        `${node.process.name} had flushed ${flushedBefore.endOffset} of epoch ${flushedBefore.epoch} and ${found}`,
      );
    },
  };
  return checker;
}
