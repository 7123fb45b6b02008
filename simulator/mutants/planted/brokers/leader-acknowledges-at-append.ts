import type { PlantedBug } from '../../planted-bug.ts';

/** One replica passed off for all of them. */
export const bug: PlantedBug = {
  name: 'a leading replica acknowledges what it has appended',
  source: 'Kafka, acks=1 against acks=all',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/leader.ts',
      find: 'role.produces.push({ produceId, baseOffset, endOffset });',
      replace: '',
    },
    {
      file: 'src/replica/leader.ts',
      find: "emit(state, { type: 'append', baseOffset, endOffset, epochs, produceId, generation });",
      replace: `emit(state, { type: 'append', baseOffset, endOffset, epochs, produceId, generation });
  emit(state, { type: 'completeProduce', produceId, baseOffset });`,
    },
  ],
};
