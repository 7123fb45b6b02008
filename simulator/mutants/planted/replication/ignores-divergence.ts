import type { PlantedBug } from '../../planted-bug.ts';

/** What a follower has counts as matching, whatever stands there. */
export const bug: PlantedBug = {
  name: 'acknowledgements count without a look at the last epoch',
  source: 'Raft paper, 5.3: the consistency check; KIP-595: lastFetchedEpoch',
  host: 'bare',
  workload: 'mixed',
  mark: 'fetch records',
  patches: [
    {
      file: 'src/raft/fetch.ts',
      find: 'if (log.epochBefore(fetchOffset) === lastFetchedEpoch) return null;',
      replace: 'if (log.epochBefore(fetchOffset) !== null) return null;',
    },
  ],
};
