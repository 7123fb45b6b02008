import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'votes of an earlier election count',
  source: 'little-raft 44; Raft TLA+ specification, DropStaleResponse',
  host: 'bare',
  workload: 'late copies',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: 'if (response.preVote !== isPreVote || response.requestEpoch !== core.quorum.epoch) {',
      replace: 'if (response.preVote !== isPreVote) {',
    },
  ],
};
