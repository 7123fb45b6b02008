import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the first active replica leads, in the ISR or not',
  source: 'KIP-966: only a member of the ISR may be elected; protocols 4',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/topic/leadership.ts',
      find: '  return before.replicas.find(isElectable) ?? noLeader;',
      replace: '  return before.replicas.find(isActive) ?? noLeader;',
    },
  ],
};
