import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a flush of what was cut off counts for what was appended since',
  source: 'design 1: a flush issued earlier never raises flushedOffset above a truncation',
  host: 'node',
  workload: 'broker relays',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/replica.ts',
      find: `    if (generation !== state.generation) {
`,
      replace: `    if (generation > state.generation || endOffset > state.logEndOffset) {
`,
    },
  ],
};
