import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a small file is renamed into place and its directory is not synced',
  source: 'Alice (Pillai and others, OSDI 14): rename without a flush of the directory',
  host: 'node',
  workload: 'disk trouble',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/quorum-state/stored-file.ts',
      find: `  if (!renamed.ok) return renamed;
  return yield* submitFile({ kind: 'syncDirectory', path: directory });`,
      replace: '  return renamed;',
    },
  ],
};
