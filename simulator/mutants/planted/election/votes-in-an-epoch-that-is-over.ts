import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a vote is granted in an epoch that is over',
  source: 'Raft paper, Figure 2, RequestVote 1: "Reply false if term < currentTerm"',
  host: 'bare',
  workload: 'late copies',
  mark: 'vote refused',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: `  if (request.epoch < quorum.epoch) return false;
  assert(request.epoch === quorum.epoch, 'a vote in an epoch that was not entered');
`,
      replace: '',
    },
  ],
};
