import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a fetch that brings no new records acknowledges nothing',
  source: 'KUDU-1469: a fully duplicate batch does not advance what was received',
  host: 'bare',
  workload: 'mixed',
  mark: 'fetch records',
  patches: [
    {
      file: 'src/raft/fetch.ts',
      find: `  const { fetchOffset, flushedOffset } = request;
  noteCaughtUp`,
      replace: `  const { fetchOffset, flushedOffset } = request;
  if (fetchOffset <= progress.logEndOffset) return;
  noteCaughtUp`,
    },
  ],
};
