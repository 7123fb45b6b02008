import type { PlantedBug } from '../../planted-bug.ts';

/** A follower takes the end of its leader's log for the end of what is committed. */
export const bug: PlantedBug = {
  name: 'applies records before they are committed',
  source: 'Raft paper, 5.3; KAFKA-15048',
  host: 'bare',
  workload: 'mixed',
  mark: 'fetch records',
  patches: [
    {
      file: 'src/raft/fetch-response.ts',
      find: 'advanceFollowerHighWatermark(core, records.highWatermark);',
      replace: 'advanceFollowerHighWatermark(core, records.logEndOffset);',
    },
  ],
};
