import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'an ELR stays when its ISR meets min ISR again',
  source: 'KIP-966: the ELR is empty while the ISR meets min ISR',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/topic/leadership.ts',
      find: '  if (minIsr === null || isr.length >= minIsr) return nobodyEligible;',
      replace: '  if (minIsr === null) return nobodyEligible;',
    },
  ],
};
