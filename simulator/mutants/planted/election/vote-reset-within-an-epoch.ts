import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'stepping down within an epoch forgets its vote',
  source: 'microsoft/CCF 8094 and 5891: voted_for reset on a step-down in the same term',
  host: 'bare',
  workload: 'mixed',
  mark: 'role follower',
  patches: [
    {
      file: 'src/raft/transition.ts',
      find: 'setQuorumState(core, { leaderId });',
      replace: 'setQuorumState(core, { leaderId, voted: null });',
    },
  ],
};
