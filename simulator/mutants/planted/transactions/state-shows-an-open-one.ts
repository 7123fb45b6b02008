import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the state shows what stands in a transaction that has not ended',
  source: 'design 2; KIP-868: in-memory state before the End',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/state/committed-state.ts',
      find: '    const stable = stableOffset(this.#options.log.transactions, this.#committed);',
      replace: '    const stable = this.#committed;',
    },
  ],
};
