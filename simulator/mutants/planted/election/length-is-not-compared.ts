import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'between equal last epochs the length of the log is not compared',
  source: 'Raft paper, 5.4.1: "whichever log is longer is more up-to-date"',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: `  if (request.lastEpoch !== log.lastEpoch) return request.lastEpoch > log.lastEpoch;
  return request.logEndOffset >= log.endOffset;`,
      replace: '  return request.lastEpoch >= log.lastEpoch;',
    },
  ],
};
