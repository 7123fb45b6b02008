import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the record of a block of producer ids names where it begins',
  source: 'KIP-730: the record holds the first id that nobody has',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/producer-id/operations.ts',
      find: "      records: [{ type: 'ProducerIdsRecord', brokerId, brokerEpoch, nextProducerId }],",
      replace:
        "      records: [{ type: 'ProducerIdsRecord', brokerId, brokerEpoch, nextProducerId: nextProducerId - producerIdLength }],",
    },
  ],
};
