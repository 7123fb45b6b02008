import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a late word of the end of an epoch ends the present one',
  source: 'KIP-595, EndQuorumEpoch; Raft paper, 5.1: stale terms are rejected',
  host: 'bare',
  workload: 'mixed',
  mark: 'end of epoch announced',
  patches: [
    {
      file: 'src/raft/end-quorum-epoch.ts',
      find: 'if (request.epoch === core.quorum.epoch) {',
      replace: 'if (request.epoch <= core.quorum.epoch) {',
    },
  ],
};
