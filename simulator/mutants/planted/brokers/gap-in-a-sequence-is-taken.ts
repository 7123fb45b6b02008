import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a batch is taken whatever is missing before it',
  source: 'KIP-98: OUT_OF_ORDER_SEQUENCE_NUMBER',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/producer-state.ts',
      find: "    return sequenceAfter(last) === baseSequence ? next : refused('OUT_OF_ORDER_SEQUENCE_NUMBER');",
      replace:
        "    return sequenceAfter(last) <= baseSequence ? next : refused('OUT_OF_ORDER_SEQUENCE_NUMBER');",
    },
  ],
};
