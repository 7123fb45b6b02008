import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a token that is revoked is still there',
  source: 'RFC 7009, 2: a revoked token is invalid at once; docs/SECURITY.md',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/token/resource.ts',
      find: 'const known = draft.tokens.delete(record.tokenId);',
      replace: 'const known = draft.tokens.get(record.tokenId) !== null;',
    },
  ],
};
