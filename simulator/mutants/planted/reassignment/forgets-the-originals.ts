import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a reassignment that replaces another takes what that one has added for an original replica',
  source: 'KIP-455: a cancellation goes back to the replicas before the first reassignment',
  host: 'node',
  workload: 'brokers',
  mark: 'reassignment: another in its place, or none',
  patches: [
    {
      file: 'src/metadata/resources/reassignment/move.ts',
      find: '  const originals = originalReplicas(row);\n  const removingReplicas',
      replace: '  const originals = row.replicas;\n  const removingReplicas',
    },
  ],
};
