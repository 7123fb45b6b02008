import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'producers are taken for known after a cut below what was kept of them',
  source: 'protocols 2',
  host: 'node',
  workload: 'brokers',
  mark: 'produce: a duplicate',
  patches: [
    {
      file: 'src/replica/producer-state.ts',
      find: '    this.#isComplete = false;',
      replace: '    this.#isComplete = true;',
    },
  ],
};
