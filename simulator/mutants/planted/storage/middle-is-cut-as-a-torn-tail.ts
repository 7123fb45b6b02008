import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'corruption in the middle of the log is cut off as a torn tail',
  source:
    'Protocol-Aware Recovery (FAST 18): Kafka, ZooKeeper, LogCabin truncate at a corrupt entry; design 19',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/log/scan-segment.ts',
      find: `    if (!isLast || blankSectorIn === null) return ok({ kind: 'corrupt', position, reason });
    // A torn frame was the last thing ever written: all after it must be as it was made, zeros.
    const after = yield* reader.firstWritten(blankSectorIn);
    if (!after.ok) return after;
    if (after.value === null) return ok({ kind: 'torn', position, lastFrame: null });`,
      replace: `    if (!isLast) return ok({ kind: 'corrupt', position, reason });
    const after = yield* reader.firstWritten(blankSectorIn ?? position);
    if (!after.ok) return after;
    if (after.value !== null) return ok({ kind: 'torn', position, lastFrame: null });`,
    },
  ],
};
