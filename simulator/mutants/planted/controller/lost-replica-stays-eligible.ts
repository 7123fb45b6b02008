import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a replica that has lost its directory is eligible, and the last one in sync, still',
  source: 'KIP-858; KIP-966; protocols 3',
  host: 'node',
  workload: 'brokers',
  mark: 'broker: a log directory goes offline',
  patches: [
    {
      file: 'src/metadata/resources/topic/leadership.ts',
      find: `    isUnclean: (broker) => standing.isUnclean(broker) || hasLost(broker),`,
      replace: `    isUnclean: (broker) => standing.isUnclean(broker),`,
    },
  ],
};
