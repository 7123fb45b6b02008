import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader takes any number of proposals',
  source: 'design, Running: admission',
  host: 'bare',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/raft/proposals.ts',
      find: `  if (count >= core.config.pendingProposalsMax) return true;
`,
      replace: '',
    },
  ],
};
