import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'reads that failed with a leadership still count as waiting',
  source: 'style 9: every queue has a limit; a count that only grows refuses everybody in the end',
  host: 'node',
  workload: 'mixed',
  mark: 'failReadBarriers',
  patches: [
    {
      file: 'src/runtime/reads.ts',
      find: `    for (const waiter of waiters) {
      this.#size--;
      waiter.fail();`,
      replace: `    for (const waiter of waiters) {
      waiter.fail();`,
    },
  ],
};
