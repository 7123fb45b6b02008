import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a broker enters an ISR under the epoch of its earlier incarnation',
  source: 'KAFKA-14617; KIP-903',
  host: 'node',
  workload: 'broker flutter',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/isr/alter-partition.ts',
      find: '  return row.brokerEpoch === brokerEpoch ? null : ',
      replace: '  return row.brokerEpoch <= Number.MAX_SAFE_INTEGER ? null : ',
    },
  ],
};
