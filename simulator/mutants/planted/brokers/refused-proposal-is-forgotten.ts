import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader forgets a proposal of which an earlier attempt may take effect',
  source: 'KIP-497: a pending proposal counts until its outcome is known',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/isr.ts',
      find: `    proposal.mayTakeEffect = true;
`,
      replace: `    role.proposal = null;
    role.retryProposalAtMs = proposal.retryAtMs;
`,
    },
  ],
};
