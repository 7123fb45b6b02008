import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the epoch where the logs part is not compared when truncating',
  source: 'KAFKA-6361, KIP-279: divergence after fast failovers',
  host: 'bare',
  workload: 'mixed',
  mark: 'fetch diverging',
  patches: [
    {
      file: 'src/raft/fetch-response.ts',
      find: 'const to = isShared && diverging.endOffset < own.endOffset ? diverging.endOffset : own.endOffset;',
      replace: 'const to = isShared ? own.endOffset : diverging.endOffset;',
    },
  ],
};
