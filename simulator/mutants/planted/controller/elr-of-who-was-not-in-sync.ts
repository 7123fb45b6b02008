import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a replica is eligible that was not in sync',
  source: 'KIP-966: who enters an ELR comes from the ISR',
  host: 'node',
  workload: 'brokers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/topic/leadership.ts',
      find: '  const known = [...before.eligibleLeaderReplicas, ...before.isr];',
      replace: '  const known = [...new Set([...before.eligibleLeaderReplicas, ...before.replicas])];',
    },
  ],
};
