import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'corruption in the middle of the log is cut off as a torn tail',
  source:
    'Protocol-Aware Recovery (FAST 18): Kafka, ZooKeeper, LogCabin truncate at a corrupt entry; design 19',
  host: 'bare',
  workload: 'disk trouble',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/log/scan-segment.ts',
      find: `    if (!isLast || blankSectorIn === null) {`,
      replace: `    if (!isLast) {`,
    },
    {
      file: 'src/runtime/log/scan-segment.ts',
      find: `    const after = yield* reader.firstWritten(blankSectorIn);`,
      replace: `    const after = yield* reader.firstWritten(blankSectorIn ?? position);`,
    },
    {
      file: 'src/runtime/log/scan-segment.ts',
      find: `    if (after.value === null) {
      coverageMark('log: a torn frame');`,
      replace: `    if (after.value === null || blankSectorIn === null) {
      coverageMark('log: a torn frame');`,
    },
  ],
};
