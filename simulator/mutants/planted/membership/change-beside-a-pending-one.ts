import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a change of voters does not wait for the one before',
  source: 'Raft thesis, 4.1; KIP-853',
  host: 'bare',
  workload: 'voter changes',
  mark: 'voter change: made',
  patches: [
    {
      file: 'src/raft/voter-change.ts',
      find: `  if (core.voterSets.isUncommitted(core.highWatermark)) return 'CHANGE_PENDING';
`,
      replace: '',
    },
    {
      file: 'src/raft/invariants.ts',
      find: 'highWatermark <= leadership.epochStartOffset || voterSets.countUncommitted(highWatermark) <= 1,',
      replace:
        'highWatermark <= leadership.epochStartOffset || voterSets.countUncommitted(highWatermark) >= 0,',
    },
  ],
};
