import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'an answer under a bare key is not remembered',
  source:
    'design 14; draft-ietf-httpapi-idempotency-key-header, 2.6: a retry gets the answer of the first request',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/leader/client-work.ts',
      find: `  if (closesItsSession(ran, key)) {`,
      replace: `  if (closesItsSession(ran, key) || 'headerKey' in key) {`,
    },
  ],
};
