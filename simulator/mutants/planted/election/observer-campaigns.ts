import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a replica that is no voter campaigns',
  source: 'KAFKA-17067',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/raft/core-state.ts',
      find: 'return core.voterSets.mayCampaign(core.local, core.highWatermark);',
      replace: 'return true;',
    },
  ],
};
