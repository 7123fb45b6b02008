import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'who reads the log replays a transaction that was aborted',
  source: 'design 2; KIP-868: everything since Begin is ignored',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/log/transaction-index.ts',
      find: '  if (isAborted) return { from: (endOffset - 1) as Offset, to: endOffset, since };',
      replace:
        '  if (isAborted && since < 0) return { from: (endOffset - 1) as Offset, to: endOffset, since };',
    },
  ],
};
