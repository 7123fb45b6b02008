import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'an answer without a change is not remembered under its key',
  source: 'design 14; RIFL (Lee and others 2015): every completed request leaves a completion record',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/leader/client-work.ts',
      find: `  if (closesItsSession(ran, key)) {`,
      replace: `  const isEmpty = ran.ok && ran.value.records.length === 0;
  if (closesItsSession(ran, key) || isEmpty) {`,
    },
  ],
};
