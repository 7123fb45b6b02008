import type { PlantedBug } from '../../planted-bug.ts';

/** A replica claims to have on disk whatever it has. */
export const bug: PlantedBug = {
  name: 'a replica acknowledges before it has flushed',
  source: 'protocols 1; KIP-966: ReplicationQuorumSuperset',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/follower.ts',
      find: 'flushedOffset: state.flushedOffset,',
      replace: 'flushedOffset: state.logEndOffset,',
    },
  ],
};
