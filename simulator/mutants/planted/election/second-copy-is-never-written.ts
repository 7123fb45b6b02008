import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a vote counts as durable when one of its two copies is',
  source: 'design 17: both files are flushed before a vote is answered',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot recovering',
  patches: [
    {
      file: 'src/runtime/quorum-state/quorum-state-copies.ts',
      find: `  const bytes = encodeQuorumState(copy);
  for (const handle of handles) {`,
      replace: `  const bytes = encodeQuorumState(copy);
  for (const handle of handles.slice(0, 1)) {`,
    },
  ],
};
