import type { PlantedBug } from '../../planted-bug.ts';

/** A read is answered from what the node, which takes itself for the leader, has. */
export const bug: PlantedBug = {
  name: 'reads without asking a majority',
  source: 'Raft paper, 8; design 5: no clock leases',
  host: 'bare',
  workload: 'mixed',
  mark: 'completeReadBarrier',
  patches: [
    {
      file: 'src/raft/read-barrier.ts',
      find: 'barriers.open.push({ barrierId, round: barriers.round, offset: core.highWatermark });',
      replace: "core.effects.push({ type: 'completeReadBarrier', barrierId, offset: core.highWatermark });",
    },
  ],
};
