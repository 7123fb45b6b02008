import type { PlantedBug } from '../../planted-bug.ts';

/** Every candidate's log passes for the longest there is. */
export const bug: PlantedBug = {
  name: 'grants votes to candidates with shorter logs',
  source: 'Raft paper, 5.4.1: the up-to-date check',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: 'if (request.lastEpoch !== log.lastEpoch) return request.lastEpoch > log.lastEpoch;',
      replace: 'if (request.lastEpoch !== log.lastEpoch) return true;',
    },
    {
      file: 'src/raft/vote.ts',
      find: 'return request.logEndOffset >= log.endOffset;',
      replace: 'return true;',
    },
  ],
};
