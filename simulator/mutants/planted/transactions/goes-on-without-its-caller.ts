import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a transaction goes on whose caller was told that nothing was changed',
  source: 'design 10, 14; Jepsen, indeterminate operations',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/leader/proposer.ts',
      find: '    if (!this.#isWanted(transaction.pending)) {',
      replace: '    if (transaction.bytes < 0) {',
    },
  ],
};
