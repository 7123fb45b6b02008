import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a page of committed records that is full takes one batch too many with it',
  source: 'etcd 10063, cockroach 28918: committed entries skipped by pagination',
  host: 'node',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/state/committed-state.ts',
      find: `      end = batchEndOffset(batch);
`,
      replace: `      end = batchEndOffset(batch);
      if (end - this.#image.endOffset > 8 && batch !== batches.at(-1)) break;
`,
    },
    {
      file: 'src/runtime/state/committed-state.ts',
      find: `    this.#image = replayed.image;
    const generation`,
      replace: `    const endOfPage = batches.at(-1);
    this.#image = endOfPage === undefined ? replayed.image : { ...replayed.image, endOffset: batchEndOffset(endOfPage), epoch: endOfPage.epoch };
    const generation`,
    },
  ],
};
