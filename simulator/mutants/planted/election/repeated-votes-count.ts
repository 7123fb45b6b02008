import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a vote that arrives twice counts twice',
  source: 'akka-raft 45; xraft 27',
  host: 'bare',
  workload: 'late copies',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: 'if (granted.includes(from) || rejected.includes(from)) return;',
      replace: 'if (rejected.includes(from)) return;',
    },
  ],
};
