import type { PlantedBug } from '../../planted-bug.ts';

/** What follows the high watermark is cut off when another leads. */
export const bug: PlantedBug = {
  name: 'a replica cuts its log to its high watermark',
  source: 'KIP-101, the state before it',
  host: 'node',
  workload: 'brokers',
  mark: 'replica: truncates',
  patches: [
    {
      file: 'src/replica/follower.ts',
      find: 'const to = own.epoch === answer.epoch ? Math.min(own.endOffset, answer.endOffset) : own.endOffset;',
      replace: 'const to = Math.min(own.endOffset, Math.max(0, state.highWatermark - 1));',
    },
  ],
};
