import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a deposed leader changes the ISR',
  source: 'KIP-497; protocols 2: FENCED_LEADER_EPOCH',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/isr/alter-partition.ts',
      find: '  if (proposal.leaderEpoch < row.leaderEpoch) {',
      replace: '  if (proposal.leaderEpoch < 0) {',
    },
    {
      file: 'src/metadata/resources/isr/alter-partition.ts',
      find: '  if (leader !== row.leader) {',
      replace: '  if (leader < 0) {',
    },
    {
      file: 'src/metadata/resources/isr/alter-partition.ts',
      find: '  if (proposal.partitionEpoch < row.partitionEpoch) {',
      replace: '  if (proposal.partitionEpoch < 0) {',
    },
  ],
};
