import type { PlantedBug } from '../../planted-bug.ts';

/** Whoever asks before the epoch has its first committed record waits for ever. */
export const bug: PlantedBug = {
  name: 'a read barrier is never answered',
  source: 'design 5',
  host: 'bare',
  workload: 'mixed',
  mark: "read barrier: waits for the epoch's first commit",
  patches: [
    {
      file: 'src/raft/read-barrier.ts',
      find: 'for (const barrierId of waiting) openBarrier(core, leadership, barrierId);',
      replace: 'void waiting;',
    },
  ],
};
