import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a new leader shows its high watermark at once',
  source:
    'KIP-207: offsets are hidden until the high watermark has reached the start of the epoch; KAFKA-2334',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/replica.ts',
      find: '    return highWatermark >= role.epochStartOffset ? highWatermark : null;',
      replace: '    return role.epochStartOffset < 0 ? null : highWatermark;',
    },
  ],
};
