import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a heartbeat of an earlier incarnation is accepted',
  source: 'KIP-631: STALE_BROKER_EPOCH; KAFKA-14617',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/broker/heartbeat.ts',
      find: '    if (row.brokerEpoch !== body.brokerEpoch) {',
      replace: '    if (row.brokerEpoch < body.brokerEpoch) {',
    },
  ],
};
