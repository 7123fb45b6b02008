import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a registration that is repeated gets a new broker epoch',
  source: 'KAFKA-16952',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/broker/registration.ts',
      find: '    brokerEpoch: amends ? before.brokerEpoch : context.nextOffset,',
      replace: '    brokerEpoch: context.nextOffset,',
    },
  ],
};
