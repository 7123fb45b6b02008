import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'an older snapshot replaces newer state',
  source: 'Raft paper, Figure 13, 8: retain what follows a known prefix; camunda 6092',
  host: 'bare',
  workload: 'mixed',
  mark: 'installSnapshot',
  patches: [
    {
      file: 'src/raft/fetch.ts',
      find: '    if (log.epochBefore(fetchOffset) === lastFetchedEpoch) return null;',
      replace:
        '    if (log.epochBefore(fetchOffset) === lastFetchedEpoch && (log.logStart.endOffset === 0 || fetchOffset < log.endOffset)) return null;',
    },
    {
      file: 'src/raft/download-snapshot.ts',
      find: 'if (snapshotId.endOffset <= core.highWatermark) {',
      replace: 'if (snapshotId.endOffset < 0) {',
    },
  ],
};
