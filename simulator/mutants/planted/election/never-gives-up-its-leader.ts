import type { PlantedBug } from '../../planted-bug.ts';

/** The fetch timeout passes, and begins anew. */
export const bug: PlantedBug = {
  name: 'a follower never gives up its leader',
  source: 'Raft paper, 5.2: the election timeout',
  host: 'bare',
  workload: 'mixed',
  mark: 'role follower',
  patches: [
    {
      file: 'src/raft/timers.ts',
      find: `if (core.installation === null) {
      seekElection(core);
      return;
    }`,
      replace: '',
    },
  ],
};
