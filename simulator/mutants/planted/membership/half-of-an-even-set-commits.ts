import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'half of an even number of voters commits',
  source: 'Raft paper, Figure 2: a majority of matchIndex; btmorr/leifdb 73',
  host: 'bare',
  workload: 'voter changes',
  mark: 'voter change: made',
  patches: [
    {
      file: 'src/raft/voter-set.ts',
      find: 'const reached = values[Math.trunc(values.length / 2)];',
      replace: 'const reached = values[Math.trunc((values.length - 1) / 2)];',
    },
  ],
};
