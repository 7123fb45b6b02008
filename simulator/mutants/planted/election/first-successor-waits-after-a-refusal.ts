import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'whoever is to succeed takes the leader’s word for a repetition once a fetch was refused',
  source: 'test/raft/resigning.test.ts: a transfer of leadership elected another; KIP-595, EndQuorumEpoch',
  host: 'bare',
  workload: 'voter changes',
  mark: 'end of epoch announced',
  patches: [
    {
      file: 'src/raft/end-quorum-epoch.ts',
      find: 'core.successionEpoch === request.epoch) {',
      replace: 'core.endedEpoch === request.epoch) {',
    },
  ],
};
