import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a write that is only to be validated is made',
  source: 'KIP-4: validateOnly changes nothing; the HTTP reference, validation',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/leader/client-work.ts',
      find: `    records: [],
    outcome: null,
    next: null,
    mayStandAlready: false,`,
      replace: `    records: ran.ok ? ran.value.records : [],
    outcome: null,
    next: null,
    mayStandAlready: false,`,
    },
  ],
};
