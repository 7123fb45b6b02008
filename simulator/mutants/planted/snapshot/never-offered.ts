import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'who is behind the log start is told to truncate',
  source: 'KIP-630: validation of offset and epoch',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot behind a snapshot',
  patches: [
    {
      file: 'src/raft/fetch.ts',
      find: `  if (fetchOffset >= log.logStart.endOffset) {
    if (log.epochBefore`,
      replace: `  if (fetchOffset >= 0) {
    if (log.epochBefore`,
    },
  ],
};
