import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

/** A log that does not begin at 0 begins at a snapshot, and a snapshot holds committed records only. */
export function logStartAtSnapshot(cluster: ClusterObservation): Checker {
  const seen = new Map<ObservedNode, number>();
  const checker: Checker = {
    name: 'the log starts at a snapshot',
    source: 'KIP-630; KAFKA-14238; design 18',
    afterBoot(node) {
      seen.delete(node);
    },
    afterEvent(node, view) {
      const start = view.logStart;
      const snapshotEnd = view.latestSnapshot?.endOffset ?? 0;
      const mark = start.endOffset + snapshotEnd;
      if (seen.get(node) === mark) return;
      seen.set(node, mark);
      const name = node.process.name;
      if (snapshotEnd < start.endOffset) {
        cluster.fail(
          checker,
          `${name} has log from ${start.endOffset} and its newest snapshot ends at ${snapshotEnd}`,
        );
      }
      for (const snapshot of [start, view.latestSnapshot]) {
        if (snapshot === null || snapshot.endOffset === 0) continue;
        const batch = cluster.committedAt(snapshot.endOffset);
        if (batch?.epoch === snapshot.epoch) continue;
        const what = `snapshot (${snapshot.endOffset}, ${snapshot.epoch})`;
        cluster.fail(checker, `${name} has ${what}, which is no committed prefix`);
      }
    },
  };
  return checker;
}
