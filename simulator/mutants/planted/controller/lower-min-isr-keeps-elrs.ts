import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a change of min ISR leaves the ELRs as they are',
  source: 'KIP-966: a change of min.insync.replicas clears ELRs',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/config/operations.ts',
      find: '    const records = [...changes, ...elrClearings(image, changes)];',
      replace: '    const records = [...changes, ...elrClearings(image, [])];',
    },
  ],
};
