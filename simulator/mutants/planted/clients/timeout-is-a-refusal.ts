import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the end of the time for a write counts as its refusal',
  source: 'Jepsen, indeterminate operations: a timeout is not a failure; design 10',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/requests/request-router.ts',
      find: `  else if (reply.isExposed) reply.fail('OUTCOME_UNKNOWN', unconfirmed);
`,
      replace: '',
    },
  ],
};
