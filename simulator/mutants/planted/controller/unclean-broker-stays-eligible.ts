import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a broker that may have lost what it held leaves its ISRs, and stays in ELRs',
  source: 'KAFKA-15586; protocols 3',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/topic/leadership.ts',
      find: `(broker) => isReplica(broker) && !isr.includes(broker) && !isUnclean(broker)`,
      replace: `(broker) => isReplica(broker) && !isr.includes(broker)`,
    },
  ],
};
