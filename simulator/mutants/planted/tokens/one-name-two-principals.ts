import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'tokens of one name have different roles',
  source: 'docs/SECURITY.md: tokens of one name are one principal; CWE-269, improper privilege management',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/token/operations.ts',
      find: '    if (row.name !== asked.name || isSamePrincipal(row, asked)) continue;',
      replace: '    if (row.name !== asked.name || asked.name !== administratorName) continue;',
    },
  ],
};
