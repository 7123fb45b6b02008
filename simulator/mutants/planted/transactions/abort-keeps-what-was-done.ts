import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the leader that aborts a transaction goes on from what it held',
  source: 'design 2, 9; KIP-868: revert to the last stable snapshot',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/leader/proposer.ts',
      find: '    const base = createImageBuilder(before).freeze(this.#speculative.endOffset, this.#options.epoch);',
      replace: '    const base = before.endOffset < 0 ? before : this.#speculative;',
    },
  ],
};
