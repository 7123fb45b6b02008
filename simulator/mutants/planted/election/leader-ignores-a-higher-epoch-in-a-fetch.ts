import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader ignores the higher epoch of a replica that fetches',
  source: 'etcd 5468 and 8334: a peer with a higher term stays stuck',
  host: 'bare',
  workload: 'mixed',
  mark: 'fetch NOT_LEADER_OR_FOLLOWER',
  patches: [
    {
      file: 'src/raft/fetch.ts',
      find: `  if (request.epoch > core.quorum.epoch) becomeUnattached(core, request.epoch);
`,
      replace: '',
    },
  ],
};
