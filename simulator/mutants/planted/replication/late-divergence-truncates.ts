import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a late word of divergence truncates what was fetched since',
  source: 'microsoft/CCF 5991: stale NACKs',
  host: 'bare',
  workload: 'late copies',
  mark: 'fetch diverging',
  patches: [
    {
      file: 'src/raft/fetch-response.ts',
      find: 'if (role.question?.fetchId !== response.fetchId) {',
      replace: `if (outcome.kind !== 'diverging' && role.question?.fetchId !== response.fetchId) {`,
    },
  ],
};
