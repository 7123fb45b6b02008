import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader shows what is not replicated yet',
  source: 'Kafka: a consumer reads below the high watermark; Jepsen, dirty reads',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/replica.ts',
      find: '    return highWatermark >= role.epochStartOffset ? highWatermark : null;',
      replace: '    return highWatermark >= role.epochStartOffset ? this.#state.logEndOffset : null;',
    },
  ],
};
