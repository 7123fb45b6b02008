import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a cancellation goes back to a replica that is not in sync',
  source: 'KIP-455; Kafka, PartitionReassignmentRevert: unclean where no original is in sync',
  host: 'node',
  workload: 'brokers',
  mark: 'reassignment: another in its place, or none',
  patches: [
    {
      file: 'src/metadata/resources/reassignment/move.ts',
      find: '  const isr = now.isr.filter((member) => replicas.includes(member));',
      replace:
        '  const isr = [...now.isr.filter((member) => replicas.includes(member)), ...replicas.slice(0, 1)].slice(0, 1);',
    },
  ],
};
