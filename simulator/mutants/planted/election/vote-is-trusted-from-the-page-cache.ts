import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'what was read at the start is not flushed before it is relied on',
  source: 'design 17; Rebello and others 2020, on reads from the page cache after a failure',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/quorum-state/quorum-state-copies.ts',
      find: `  const written = yield* writeToAll(handles, copy);
  if (!written.ok) return failed(fromFileError(written.error));
  // An`,
      replace: '  // An',
    },
  ],
};
