import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the voter set of a snapshot is not taken over',
  source: 'etcd: ConfState of a snapshot; KIP-853',
  host: 'bare',
  workload: 'voter changes',
  mark: 'installSnapshot',
  patches: [
    {
      file: 'src/raft/download-snapshot.ts',
      find: `  core.voterSets.resetTo({ offset: snapshotId.endOffset, voters: input.snapshot.voters });
`,
      replace: '',
    },
  ],
};
