import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a follower truncates to where the leader says, whatever epochs it has itself',
  source: 'KIP-279: log divergence after fast leader failover; KAFKA-6361',
  host: 'node',
  workload: 'broker relays',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/follower.ts',
      find: '  const to = own.epoch === answer.epoch ? Math.min(own.endOffset, answer.endOffset) : own.endOffset;',
      replace: '  const to = own.epoch < 0 ? 0 : Math.min(state.logEndOffset, answer.endOffset);',
    },
  ],
};
