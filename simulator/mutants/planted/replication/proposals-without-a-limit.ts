import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'nobody counts the proposals that wait',
  source: 'design, "Running": admission; style 9: every queue has a limit',
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
