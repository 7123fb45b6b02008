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
      find: '    const after = complete(withMembers(row, { isr: isrOf(proposal) }, rules), rules);',
      replace: '    const after = withMembers(row, { isr: isrOf(proposal) }, rules);',
    },
    {
      file: 'src/metadata/resources/isr/alter-partition.ts',
      find: `import { complete, membershipChange, withMembers } from '../topic/membership.ts';`,
      replace: `import { membershipChange, withMembers } from '../topic/membership.ts';`,
    },
  ],
};
