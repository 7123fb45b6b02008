import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a connection lost after a write was passed on counts as its refusal',
  source:
    'design, "Running": a connection lost after sending means unknown; Jepsen, indeterminate operations',
  host: 'node',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/forwarding.ts',
      find: `    const code: ErrorCode = pending.isWrite ? 'OUTCOME_UNKNOWN' : 'NOT_CONTROLLER';`,
      replace: `    const code: ErrorCode = 'NOT_CONTROLLER';`,
    },
  ],
};
