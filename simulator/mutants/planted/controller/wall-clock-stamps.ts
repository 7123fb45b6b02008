import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a batch is stamped by the wall clock alone',
  source: 'design 11: timestamps never decrease in the log, whatever the wall clock does',
  host: 'node',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/leader/proposer.ts',
      find: '    return Math.max(this.#lastTimestampMs, this.#options.clock.wallMs());',
      replace: '    return this.#options.clock.wallMs();',
    },
  ],
};
