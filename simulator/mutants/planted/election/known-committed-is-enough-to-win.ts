import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'who holds what the voter knows to be committed is given its vote',
  source: 'Raft paper, 5.4.1: last entries are compared, not commit indices',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: 'return request.logEndOffset >= log.endOffset;',
      replace: 'return request.logEndOffset >= core.highWatermark;',
    },
  ],
};
