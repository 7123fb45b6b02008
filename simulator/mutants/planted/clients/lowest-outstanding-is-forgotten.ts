import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a session forgets the lowest sequence that may be asked about again',
  source: 'RIFL (Lee and others 2015), 3.4: garbage collection must not pass the first incomplete request',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/session/resource.ts',
      find: 'oldest.sequence >= below) return;',
      replace: 'oldest.sequence > below) return;',
    },
  ],
};
