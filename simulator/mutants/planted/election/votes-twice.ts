import type { PlantedBug } from '../../planted-bug.ts';

/** Says yes to whoever asks, also when it has voted for another. */
export const bug: PlantedBug = {
  name: 'votes twice in one epoch',
  source: 'Raft paper, 5.2: at most one vote a term',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote: the epoch has its vote',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: 'return sameReplica(quorum.voted, request.candidate);',
      replace: 'return true;',
    },
  ],
};
