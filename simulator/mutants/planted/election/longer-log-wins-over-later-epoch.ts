import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the longer log wins over the later epoch',
  source: 'Raft paper, 5.4.1: terms are compared before lengths',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: `  if (request.lastEpoch !== log.lastEpoch) return request.lastEpoch > log.lastEpoch;
  return request.logEndOffset >= log.endOffset;`,
      replace: `  if (request.logEndOffset !== log.endOffset) return request.logEndOffset > log.endOffset;
  return request.lastEpoch >= log.lastEpoch;`,
    },
  ],
};
