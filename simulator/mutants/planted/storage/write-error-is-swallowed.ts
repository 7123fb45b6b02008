import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the log goes on after a failed write',
  source: 'KAFKA-14644: carrying on after a failure; Alice (Pillai and others, OSDI 14)',
  host: 'node',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/log/log-writer.ts',
      find: `    if (flushed.ok) segment.writePosition = place.position + bytes.length;
    return flushed;`,
      replace: `    segment.writePosition = place.position + bytes.length;
    return flushed.ok ? flushed : ok(null);`,
    },
  ],
};
