import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a second write of the quorum state does not wait for the first',
  source: 'design 17: one write at a time; openraft and others, votes are saved in order',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/runtime/quorum-state/quorum-state-store.ts',
      find: 'if (next === null || this.#isWriting || this.#hasFailed) return;',
      replace: 'if (next === null || this.#hasFailed) return;',
    },
  ],
};
