import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a late pre-vote counts as a vote',
  source: 'canonical/raft 196',
  host: 'bare',
  workload: 'late copies',
  mark: 'pre-vote granted',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: 'if (response.preVote !== isPreVote || response.requestEpoch !== core.quorum.epoch) {',
      replace: 'if (response.requestEpoch < core.quorum.epoch - (response.preVote ? 1 : 0)) {',
    },
  ],
};
