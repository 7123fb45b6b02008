import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the leader takes what was fetched for what is flushed',
  source: 'KIP-595; design 1; etcd 14370',
  host: 'bare',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/raft/fetch.ts',
      find: 'const acknowledged = Math.min(flushedOffset, fetchOffset) as Offset;',
      replace: 'const acknowledged = fetchOffset;',
    },
  ],
};
