import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a snapshot is taken whose records are all there',
  source: 'Raft paper, Figure 13, 6: a snapshot of a known prefix changes nothing; camunda 6092',
  host: 'bare',
  workload: 'mixed',
  mark: 'installSnapshot',
  patches: [
    {
      file: 'src/raft/fetch.ts',
      find: '    if (log.epochBefore(fetchOffset) === lastFetchedEpoch) return null;',
      replace: `    if (fetchOffset === log.endOffset && log.logStart.endOffset > 0) return { kind: 'snapshot', snapshotId: snapshotToOffer(core) };
    if (log.epochBefore(fetchOffset) === lastFetchedEpoch) return null;`,
    },
    {
      file: 'src/raft/download-snapshot.ts',
      find: 'if (snapshotId.endOffset <= core.highWatermark) {',
      replace: 'if (snapshotId.endOffset < 0) {',
    },
  ],
};
