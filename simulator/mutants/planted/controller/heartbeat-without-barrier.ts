import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a heartbeat is acknowledged without a barrier',
  source: 'design 13: a deposed leader acknowledges none; Gray and Cheriton 1989, leases',
  host: 'node',
  workload: 'broker depositions',
  mark: 'completeReadBarrier',
  patches: [
    {
      file: 'src/runtime/leader/settlements.ts',
      find: '        give: awaitsBarrier ? () => barrier.whenConfirmed({ give, fail }) : give,',
      replace: '        give,',
    },
  ],
};
