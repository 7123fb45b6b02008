import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'voters are changed before anything of the own epoch is committed',
  source: 'Ongaro 2015, raft-dev: bug in single-server membership changes; KIP-853',
  host: 'bare',
  workload: 'voter changes',
  mark: 'voter change: made',
  patches: [
    {
      file: 'src/raft/voter-change.ts',
      find: `  if (core.highWatermark <= leadership.epochStartOffset) return 'HIGH_WATERMARK_UNKNOWN';
`,
      replace: '',
    },
    {
      file: 'src/raft/voter-change.ts',
      find: `if (core.voterSets.isUncommitted(core.highWatermark)) return 'CHANGE_PENDING';`,
      replace: `if (leadership.pendingVoterChange !== null) return 'CHANGE_PENDING';`,
    },
  ],
};
