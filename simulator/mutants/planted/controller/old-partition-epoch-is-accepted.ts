import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'an ISR that was proposed for an older state of the partition is accepted',
  source: 'KIP-497: AlterIsr is a compare-and-set on the version of the partition',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/isr/alter-partition.ts',
      find: '  if (proposal.partitionEpoch < row.partitionEpoch) {',
      replace: '  if (proposal.partitionEpoch < 0) {',
    },
  ],
};
