import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a producer that a later one has replaced goes on',
  source: 'KIP-98: fencing by producer epoch',
  host: 'node',
  workload: 'brokers',
  mark: 'produce: a duplicate',
  patches: [
    {
      file: 'src/replica/producer-state.ts',
      find: "    if (producerEpoch < last.producerEpoch) return refused('INVALID_PRODUCER_EPOCH');",
      replace: '    if (producerEpoch < last.producerEpoch) return next;',
    },
  ],
};
