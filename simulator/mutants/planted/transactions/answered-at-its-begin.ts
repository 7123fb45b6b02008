import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a transaction is answered once its Begin is committed',
  source: 'design 10, 14',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/leader/proposer.ts',
      find: '    this.#settle([{ pending, offset, hasRecords: true, execution }], proposal);',
      replace:
        '    this.#settle([{ pending, offset: offset < 0 ? offset : before.endOffset, hasRecords: true, execution }], proposal);',
    },
  ],
};
