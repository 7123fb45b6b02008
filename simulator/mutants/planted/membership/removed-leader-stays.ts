import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader stays after its removal is committed',
  source: 'KIP-853; Raft thesis, 4.2.2',
  host: 'bare',
  workload: 'voter changes',
  mark: 'boot',
  patches: [
    {
      file: 'src/raft/voter-change.ts',
      find: `  resign(core, leadership, null);
}`,
      replace: '}',
    },
  ],
};
