import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'an epoch is entered without waiting until it is durable',
  source: 'Raft paper, Figure 2: currentTerm is persistent state; etcd, MustSync',
  host: 'bare',
  workload: 'mixed',
  mark: 'role follower',
  patches: [
    {
      file: 'src/raft/core-state.ts',
      find: 'state.epoch !== before.epoch || state.voted !== before.voted || state.recovering !== before.recovering;',
      replace: 'state.voted !== before.voted || state.recovering !== before.recovering;',
    },
  ],
};
