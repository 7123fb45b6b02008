import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a replica acknowledges what it has not flushed',
  source: 'protocols 1; KIP-966, NoCommittedRecordLostGlobally',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/follower.ts',
      find: `      flushedOffset: state.flushedOffset,
      lastFetchedEpoch`,
      replace: `      flushedOffset: state.logEndOffset,
      lastFetchedEpoch`,
    },
  ],
};
