import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'answers without records are no sign of life',
  source: 'Raft paper, 5.2: empty AppendEntries are heartbeats',
  host: 'bare',
  workload: 'mixed',
  mark: 'fetch records',
  patches: [
    {
      file: 'src/raft/fetch-response.ts',
      find: `  noteLeaderAnswer(core, role);
  if (records.round`,
      replace: `  if (records.batches.length > 0) noteLeaderAnswer(core, role);
  if (records.round`,
    },
  ],
};
