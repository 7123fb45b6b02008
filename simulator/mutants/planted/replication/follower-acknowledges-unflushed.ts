import type { PlantedBug } from '../../planted-bug.ts';

/** What a follower has in memory it acknowledges. */
export const bug: PlantedBug = {
  name: 'a follower acknowledges before it has flushed',
  source: 'design, "Safety rules"; KIP-595',
  host: 'bare',
  workload: 'mixed',
  mark: 'fetch records',
  patches: [
    {
      file: 'src/raft/fetch-response.ts',
      find: 'flushedOffset: core.log.flushedOffset,',
      replace: 'flushedOffset: core.log.endOffset,',
    },
  ],
};
