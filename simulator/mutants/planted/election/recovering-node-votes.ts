import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a recovering node votes',
  source: 'design 19; Protocol-Aware Recovery, FAST 2018',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote: refused while recovering',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: `  if (quorum.recovering) {
    coverageMark('vote: refused while recovering');
    return false;
  }
`,
      replace: `  if (quorum.recovering) coverageMark('vote: refused while recovering');
`,
    },
  ],
};
