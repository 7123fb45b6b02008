import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a node that has recovered does not become a voter again',
  source: 'Protocol-Aware Recovery (FAST 18), recovery ends; design 19',
  host: 'bare',
  workload: 'disk trouble',
  mark: 'recovery: a voter again',
  patches: [
    {
      file: 'src/raft/recovering.ts',
      find: '  setQuorumState(core, { recovering: false });\n',
      replace: '',
    },
  ],
};
