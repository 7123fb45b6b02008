import type { PlantedBug } from '../../planted-bug.ts';

/** The end of a leadership counts as the failure of what it has appended. */
export const bug: PlantedBug = {
  name: 'reports an unknown outcome as a definite failure',
  source: 'design 10; Jepsen, many analyses',
  host: 'bare',
  workload: 'mixed',
  mark: 'role resigned',
  patches: [
    {
      file: 'src/raft/end-leadership.ts',
      find: "type: 'failProposal', proposalId, reason: 'OUTCOME_UNKNOWN'",
      replace: "type: 'failProposal', proposalId, reason: 'NOT_LEADER'",
    },
  ],
};
