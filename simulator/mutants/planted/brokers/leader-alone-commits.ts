import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader counts its own log alone for the high watermark',
  source: 'Kafka acks=1; Jepsen, Kafka (2013)',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/replica/isr.ts',
      find: '  return [...new Set([...view.isr, ...proposed])];',
      replace:
        '  return [...new Set([...view.isr, ...proposed])].filter((member) => member === view.leader);',
    },
  ],
};
