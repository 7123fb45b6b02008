import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader that a reassignment removes goes on leading',
  source: 'KIP-455; Kafka, PartitionChangeBuilder: a leader out of the ISR is replaced in the same change',
  host: 'node',
  workload: 'brokers',
  mark: 'reassignment: the leader is removed',
  patches: [
    {
      file: 'src/metadata/resources/topic/membership.ts',
      find: '  return led(withMembers(now, change, rules), rules);',
      replace: '  return withMembers(now, change, rules);',
    },
  ],
};
