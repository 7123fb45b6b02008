import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a node that restarts takes its whole log for committed',
  source: 'goraft 69; Raft paper, Figure 2: commitIndex is volatile',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/raft/core-state.ts',
      find: 'const committed = Math.max(logStart.endOffset, latestSnapshot?.endOffset ?? 0, appliedOffset) as Offset;',
      replace: 'const committed = recovered.logEndOffset;',
    },
  ],
};
