import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a fetch whose log diverges acknowledges',
  source: 'microsoft/CCF 6016: commit advances on a NACK',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/raft/fetch.ts',
      find: 'if (divergence === null) noteMatchingFetch(',
      replace: `if (divergence?.kind !== 'snapshot') noteMatchingFetch(`,
    },
  ],
};
