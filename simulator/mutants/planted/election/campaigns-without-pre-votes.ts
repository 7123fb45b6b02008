import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a voter that hears no leader raises its epoch at once',
  source: 'KIP-996; Raft thesis, 9.6; etcd 9333',
  host: 'bare',
  workload: 'long partitions',
  mark: 'role candidate',
  patches: [
    {
      file: 'src/raft/transition.ts',
      find: 'if (isVoter(core) && core.voterSets.majority === 1) becomeCandidate(core);',
      replace: 'if (isVoter(core)) becomeCandidate(core);',
    },
  ],
};
