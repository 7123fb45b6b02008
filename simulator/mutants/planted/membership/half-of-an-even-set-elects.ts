import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'half of an even number of voters elects a leader',
  source: 'btmorr/leifdb 73; Raft paper, 5.2',
  host: 'bare',
  workload: 'voter changes',
  mark: 'voter change: made',
  patches: [
    {
      file: 'src/raft/voter-set.ts',
      find: 'return Math.trunc(this.voters.length / 2) + 1;',
      replace: 'return Math.ceil(this.voters.length / 2);',
    },
  ],
};
