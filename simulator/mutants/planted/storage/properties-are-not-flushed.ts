import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a small file is renamed into place before its bytes are flushed',
  source:
    'Alice (Pillai and others, OSDI 14): rename before the data is durable; ext4 delayed allocation (2009)',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/quorum-state/stored-file.ts',
      find: `  const flushed = written.ok ? yield* submitFile({ kind: 'fdatasync', handle }) : written;`,
      replace: '  const flushed = written;',
    },
  ],
};
