import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

type Seen = { epoch: number; highWatermark: number; applied: number; logStart: number };

/** Within one life of a process epoch, high watermark, applied offset and log start never go back. */
export function monotonic(cluster: ClusterObservation): Checker {
  const seen = new Map<ObservedNode, Seen>();
  const checker: Checker = {
    name: 'epoch, high watermark and applied offset are monotonic',
    source: 'design 21; Raft paper, Figure 2',
    afterBoot(node) {
      seen.set(node, { epoch: 0, highWatermark: 0, applied: 0, logStart: 0 });
    },
    afterEvent(node, view) {
      const last = seen.get(node);
      if (last === undefined) return;
      if (view.epoch < last.epoch) wentBack(node, 'epoch', last.epoch, view.epoch);
      if (view.highWatermark < last.highWatermark) {
        wentBack(node, 'high watermark', last.highWatermark, view.highWatermark);
      }
      if (view.appliedOffset < last.applied) {
        wentBack(node, 'applied offset', last.applied, view.appliedOffset);
      }
      if (view.logStart.endOffset < last.logStart) {
        wentBack(node, 'log start', last.logStart, view.logStart.endOffset);
      }
      last.epoch = view.epoch;
      last.highWatermark = view.highWatermark;
      last.applied = view.appliedOffset;
      last.logStart = view.logStart.endOffset;
    },
  };

  function wentBack(node: ObservedNode, what: string, from: number, to: number): never {
    return cluster.fail(checker, `${node.process.name}: ${what} went back from ${from} to ${to}`);
  }
  return checker;
}
