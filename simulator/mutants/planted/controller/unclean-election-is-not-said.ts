import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'an unclean election does not say that it is one',
  source: 'KIP-704: leaderRecoveryState; KIP-966',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/topic/leadership.ts',
      find: `    ...(after.isUnclean === true ? { leaderRecoveryState: recovering } : {}),`,
      replace: `    ...(after.isUnclean === true ? {} : {}),`,
    },
  ],
};
