import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a flush that failed is tried again',
  source: 'PostgreSQL, fsyncgate (2018); cockroach 37102; Rebello and others (ATC 20)',
  host: 'node',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/log/log-writer.ts',
      find: `    const flushed = yield* submitFile({
      kind: 'pwriteDurably',
      handle: segment.handle,
      position: place.position,
      bytes,
    });
    if (flushed.ok)`,
      replace: `    let flushed = yield* submitFile({
      kind: 'pwriteDurably',
      handle: segment.handle,
      position: place.position,
      bytes,
    });
    if (!flushed.ok) flushed = yield* submitFile({ kind: 'fdatasync', handle: segment.handle });
    if (flushed.ok)`,
    },
  ],
};
