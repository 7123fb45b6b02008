import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the log that goes on behind the checkpoint is dropped at the start',
  source: 'Raft paper, Figure 13, 6: retain log entries following the snapshot; camunda 6092',
  host: 'node',
  workload: 'mixed',
  mark: 'boot behind a snapshot',
  patches: [
    {
      file: 'src/runtime/start/open-storage.ts',
      find: 'return { checkpoint, resetTo: endsBefore || differs ? atCheckpoint : null, reason: null };',
      replace: 'return { checkpoint, resetTo: atCheckpoint, reason: null };',
    },
  ],
};
