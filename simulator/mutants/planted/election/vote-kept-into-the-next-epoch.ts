import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the vote of one epoch is kept into the next',
  source: 'Raft paper, Figure 2: votedFor is of currentTerm; TiKV and others reset both together',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/raft/transition.ts',
      find: 'setQuorumState(core, { epoch, leaderId, voted: null });',
      replace: 'setQuorumState(core, { epoch, leaderId });',
    },
  ],
};
