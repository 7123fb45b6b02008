import type { PlantedBug } from '../../planted-bug.ts';

/** A majority that holds a record of an earlier epoch is taken for its commitment. */
export const bug: PlantedBug = {
  name: 'commits records of earlier epochs by counting',
  source: 'Raft paper, 5.4.2 and Figure 8; LogCabin 44',
  host: 'bare',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/raft/high-watermark.ts',
      find: 'if (committed <= core.highWatermark || committed <= leadership.epochStartOffset) return;',
      replace: 'if (committed <= core.highWatermark) return;',
    },
  ],
};
