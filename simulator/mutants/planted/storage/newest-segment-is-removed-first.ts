import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'cleaning the log removes the newest of the superfluous segments first',
  source: 'Alice (Pillai and others, OSDI 14): the order of unlinks; KAFKA-14238',
  host: 'node',
  workload: 'disk trouble',
  mark: 'boot behind a snapshot',
  patches: [
    {
      file: 'src/runtime/log/log-writer.ts',
      find: `    for (const segment of segments) {
      const removed`,
      replace: `    for (const segment of segments.toReversed()) {
      const removed`,
    },
  ],
};
