import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a recovering node campaigns',
  source: 'design 19; Protocol-Aware Recovery, FAST 2018',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot recovering',
  patches: [
    {
      file: 'src/raft/core-state.ts',
      find: 'if (core.quorum.recovering || core.installation !== null) return false;',
      replace: 'if (core.installation !== null) return false;',
    },
  ],
};
