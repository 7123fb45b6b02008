import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the log is written and not flushed',
  source: 'Raft paper, Figure 2; etcd 14143',
  host: 'node',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/log/log-writer.ts',
      find: `      kind: 'pwriteDurably',
      handle: segment.handle,
      position: place.position,
      bytes,`,
      replace: `      kind: 'pwrite',
      handle: segment.handle,
      position: place.position,
      bytes,`,
    },
  ],
};
