import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'an error is not remembered under its key',
  source: 'design 14: a delayed duplicate of a refused request would execute later',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/leader/client-work.ts',
      find: `  if (closesItsSession(ran, key)) {`,
      replace: `  if (closesItsSession(ran, key) || !ran.ok) {`,
    },
  ],
};
