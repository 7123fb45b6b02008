import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a recovering node votes',
  source: 'design 19; Protocol-Aware Recovery, FAST 2018',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot recovering',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: `  // Design 19: this replica has lost records that it acknowledged; its log is no witness.
  if (quorum.recovering) return false;
`,
      replace: '',
    },
  ],
};
