import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader does not wait for those whom it has proposed',
  source: 'KIP-497: the maximal ISR of PartitionState',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/isr.ts',
      find: '  const proposed = [...(role.proposal?.newIsr ?? []), ...role.unsettled].map(({ brokerId }) => brokerId);',
      replace: '  const proposed: readonly number[] = role.proposal === null ? [] : [];',
    },
  ],
};
