import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a flush of the log lets go what waits for the vote',
  source: 'Raft paper, Figure 2; design: completions are told apart by their ioId',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/runtime/raft-driver.ts',
      find: 'this.#gate.completedThrough(ioId, (pending) => this.#logIo.has(pending));',
      replace: 'this.#gate.completedThrough(ioId, () => true);',
    },
  ],
};
