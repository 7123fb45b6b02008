import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a replica enters the ISR before it holds what the leader took over',
  source: 'KAFKA-7128: a lagging high watermark loses committed data after an ISR expansion',
  host: 'node',
  workload: 'broker relays',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/isr.ts',
      find: '  return progress.flushedOffset >= Math.max(state.highWatermark, role.epochStartOffset);',
      replace: '  return progress.flushedOffset >= state.highWatermark;',
    },
  ],
};
