import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'retention removes what is not committed yet',
  source: 'Kafka, UnifiedLog.maybeIncrementLogStartOffset: never above the high watermark',
  host: 'node',
  workload: 'brokers',
  mark: 'replica: a log start above what is committed or flushed is wanted',
  patches: [
    {
      file: 'src/replica/state.ts',
      find: '  const to = Math.min(wanted, state.highWatermark, state.flushedOffset);',
      replace: '  const to = Math.min(wanted, state.flushedOffset);',
    },
  ],
};
