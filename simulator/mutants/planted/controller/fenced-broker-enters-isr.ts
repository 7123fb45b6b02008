import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a fenced broker enters an ISR',
  source: 'KAFKA-13916',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/isr/alter-partition.ts',
      find: `  if (row.fenced) return 'is fenced';
`,
      replace: '',
    },
  ],
};
