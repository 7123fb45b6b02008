import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: `a follower takes its leader's high watermark for its own`,
  source: 'Raft paper, Figure 2: min(leaderCommit, index of last new entry)',
  host: 'bare',
  workload: 'mixed',
  mark: 'fetch records',
  patches: [
    {
      file: 'src/raft/high-watermark.ts',
      find: 'const bounded = Math.min(leaderHighWatermark, core.log.endOffset) as Offset;',
      replace: 'const bounded = leaderHighWatermark;',
    },
  ],
};
