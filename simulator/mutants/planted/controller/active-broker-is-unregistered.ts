import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a broker that is active can be unregistered',
  source: 'design 13; Kafka, UnregisterBroker',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/broker/registration.ts',
      find: '    if (!row.fenced) {',
      replace: '    if (row.brokerEpoch < 0) {',
    },
  ],
};
