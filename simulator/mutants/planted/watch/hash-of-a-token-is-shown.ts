import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'whoever watches is shown by what others are let in',
  source: 'CWE-200, exposure of sensitive information; docs/SECURITY.md',
  host: 'node',
  workload: 'watchers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/shown-record.ts',
      find: '      return { ...record, secretHash: hiddenBytes };',
      replace: '      return record;',
    },
  ],
};
