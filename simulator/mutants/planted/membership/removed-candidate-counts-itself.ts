import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a candidate that is no voter counts its own vote',
  source: 'Raft thesis, 4.2.2; KAFKA-17067',
  host: 'bare',
  workload: 'voter changes',
  mark: 'voter change: made',
  patches: [
    {
      file: 'src/raft/transition.ts',
      find: 'return isVoter(core) ? [core.local.id] : [];',
      replace: 'return [core.local.id];',
    },
  ],
};
