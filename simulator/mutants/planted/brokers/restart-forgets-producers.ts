import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a replica that starts knows no producer of its log',
  source: 'KIP-98: producer state follows from the log; protocols 2',
  host: 'node',
  workload: 'brokers',
  mark: 'produce: a duplicate',
  patches: [
    {
      file: 'src/replica/replica.ts',
      find: '      producers: new ProducerState(recovered.produced, recovered.logEndOffset),',
      replace: '      producers: new ProducerState([], recovered.logEndOffset),',
    },
  ],
};
