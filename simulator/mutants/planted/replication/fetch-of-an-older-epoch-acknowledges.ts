import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a fetch of an older epoch acknowledges',
  source: 'Raft paper, 5.1; KIP-595: FENCED_LEADER_EPOCH',
  host: 'bare',
  workload: 'late copies',
  mark: 'fetch FENCED_LEADER_EPOCH',
  patches: [
    {
      file: 'src/raft/fetch.ts',
      find: `if (request.epoch < core.quorum.epoch || role.name !== 'leader') {`,
      replace: `if (role.name !== 'leader') {`,
    },
  ],
};
