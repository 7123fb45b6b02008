import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a replica that is added is in sync at once',
  source: 'KIP-455: it enters the ISR once it has caught up, as its leader says',
  host: 'node',
  workload: 'brokers',
  mark: 'reassignment: complete',
  patches: [
    {
      file: 'src/metadata/resources/reassignment/move.ts',
      find: '  const isr = now.isr.filter((member) => replicas.includes(member));',
      replace:
        '  const isr = [...now.isr.filter((member) => replicas.includes(member)), ...target.filter((added) => !row.replicas.includes(added))];',
    },
  ],
};
