import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a condition holds wherever there is something that it could be on',
  source: 'RFC 9110, 13.1.1: lost updates; design 10, 21: If-Match',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/leader/client-work.ts',
      find: `  if (modifiedOffset === request.ifMatch) return ran;`,
      replace: `  if (modifiedOffset !== null) return ran;`,
    },
  ],
};
