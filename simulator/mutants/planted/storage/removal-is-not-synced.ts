import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'segments are removed without a flush of the directory between them',
  source: 'Alice (Pillai and others, OSDI 14): reordering of directory operations',
  host: 'node',
  workload: 'disk trouble',
  mark: 'boot behind a snapshot',
  patches: [
    {
      file: 'src/runtime/log/file-steps.ts',
      find: `  if (!removed.ok) return removed;
  return yield* submitFile({ kind: 'syncDirectory', path: directory });`,
      replace: `  if (!removed.ok || directory === '') return removed;
  return removed;`,
    },
  ],
};
