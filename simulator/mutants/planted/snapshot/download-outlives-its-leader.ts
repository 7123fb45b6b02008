import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the download of a snapshot goes on under another leader',
  source: 'KIP-630; camunda 10183: a pending snapshot that is not reset',
  host: 'bare',
  workload: 'mixed',
  mark: 'storeSnapshotChunk',
  patches: [
    {
      file: 'src/raft/transition.ts',
      find: 'if (!isResumable) core.download = null;',
      replace: 'if (!isResumable && epoch === 0) core.download = null;',
    },
  ],
};
