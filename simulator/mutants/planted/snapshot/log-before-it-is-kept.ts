import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a log that ends before the checkpoint is kept',
  source: 'design 18; hashicorp/raft 697 and 704: a conflicting log behind a snapshot',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/start/open-storage.ts',
      find: 'return { checkpoint, resetTo: endsBefore || differs ? atCheckpoint : null, reason: null };',
      replace: 'return { checkpoint, resetTo: differs ? atCheckpoint : null, reason: null };',
    },
  ],
};
