import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a broker that comes back is not elected where nobody leads',
  source: 'KIP-631; Kafka, ReplicationControlManager.handleBrokerUnfenced',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/broker/heartbeat.ts',
      find: '  return { isFenced: false, shouldShutDown: false, records: [record, ...changes], continueWith };',
      replace:
        '  return { isFenced: false, shouldShutDown: false, records: changes.length === 0 ? [record] : [record], continueWith };',
    },
  ],
};
