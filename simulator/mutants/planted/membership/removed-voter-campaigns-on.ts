import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a voter that was removed goes on campaigning',
  source: 'Raft thesis, 4.2.3: disruptive servers',
  host: 'bare',
  workload: 'voter changes',
  mark: 'voter change: made',
  patches: [
    {
      file: 'src/raft/voter-set.ts',
      find: `    if (!this.isUncommitted(highWatermark)) return false;
`,
      replace: '',
    },
  ],
};
