import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a reassignment whose replicas are in sync goes on for ever',
  source: 'KIP-455: it ends with the ISR that has all of them',
  host: 'node',
  workload: 'brokers',
  mark: 'reassignment: another in its place, or none',
  patches: [
    {
      file: 'src/metadata/resources/isr/alter-partition.ts',
      find: '    const after = complete({ ...row, isr: isrOf(proposal) }, isActive);',
      replace: '    const after = { ...row, isr: isrOf(proposal) };',
    },
    {
      file: 'src/metadata/resources/isr/alter-partition.ts',
      find: `import { complete, membershipChange } from '../reassignment/move.ts';`,
      replace: `import { membershipChange } from '../reassignment/move.ts';`,
    },
  ],
};
