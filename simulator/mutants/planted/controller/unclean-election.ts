import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'when all members of an ISR are gone another replica leads',
  source: 'KIP-106: unclean leader election is off unless asked for; KIP-966',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/topic/leadership.ts',
      find: '  const isr = active.length > 0 ? active : lastMember(before, isUnclean);',
      replace: `  const other = before.replicas.find(isActive);
  const isr = active.length > 0 ? active : other === undefined ? lastMember(before, isUnclean) : [other];`,
    },
  ],
};
