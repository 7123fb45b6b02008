import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'whoever has heard a leader in an epoch never helps to replace it',
  source: 'etcd 9892, 10483: a lease that does not expire',
  host: 'bare',
  workload: 'long partitions',
  mark: 'pre-vote refused',
  patches: [
    {
      file: 'src/raft/vote.ts',
      find: `  const { role } = core;
  if (role.name === 'leader') return false;`,
      replace: `  const { role } = core;
  if (role.name === 'leader' || core.lastContactMs !== null) return false;`,
    },
  ],
};
