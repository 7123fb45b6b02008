import type { PlantedBug } from '../../planted-bug.ts';

/** The leader's own entries count towards the majority before they are on its disk. */
export const bug: PlantedBug = {
  name: 'the leader counts its own unflushed entries',
  source: 'etcd 14370',
  host: 'bare',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/raft/high-watermark.ts',
      find: 'if (isLocal(core, voter)) flushed.push(core.log.flushedOffset);',
      replace: 'if (isLocal(core, voter)) flushed.push(core.log.endOffset);',
    },
  ],
};
