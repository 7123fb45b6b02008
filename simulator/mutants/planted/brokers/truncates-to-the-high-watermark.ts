import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a follower truncates to its high watermark',
  source: 'KIP-101; KAFKA-1211',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/follower.ts',
      find: '  const to = own.epoch === answer.epoch ? Math.min(own.endOffset, answer.endOffset) : own.endOffset;',
      replace: '  const to = own.epoch === answer.epoch ? state.highWatermark : state.highWatermark;',
    },
  ],
};
