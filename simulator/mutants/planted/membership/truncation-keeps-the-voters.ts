import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a voter set outlives the truncation of its record',
  source: 'Raft thesis, 4.1: a server falls back to the configuration before',
  host: 'bare',
  workload: 'voter changes',
  mark: 'truncateLog',
  patches: [
    {
      file: 'src/raft/append.ts',
      find: `  core.voterSets.truncate(to);
`,
      replace: '',
    },
  ],
};
