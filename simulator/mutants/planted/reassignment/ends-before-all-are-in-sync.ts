import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a reassignment ends when the first added replica is in sync',
  source: 'KIP-455: it ends when the adding set is in sync',
  host: 'node',
  workload: 'brokers',
  mark: 'reassignment: complete',
  patches: [
    {
      file: 'src/metadata/resources/topic/membership.ts',
      find: '!addingReplicas.every((replica) => isr.includes(replica))',
      replace: '(addingReplicas.length > 0 && !addingReplicas.some((replica) => isr.includes(replica)))',
    },
  ],
};
