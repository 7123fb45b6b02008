import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a cordoned broker is given replicas by a reassignment',
  source: 'KIP-1066: a cordoned broker gets no new replicas',
  host: 'node',
  workload: 'brokers',
  mark: 'reassignment: another in its place, or none',
  patches: [
    {
      file: 'src/metadata/resources/reassignment/alter.ts',
      find: '  if (inactive === undefined) return findCordon(image, row, target);',
      replace: '  if (inactive === undefined) return null;',
    },
  ],
};
