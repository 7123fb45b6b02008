import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'pre-votes are granted while a leader is heard',
  source: 'KIP-996; etcd 9352',
  host: 'bare',
  workload: 'long partitions',
  mark: 'pre-vote granted',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: 'if (suspectsLeader || lastAnswerMs === null) return false;',
      replace: 'if (suspectsLeader || lastAnswerMs !== null) return false;',
    },
  ],
};
