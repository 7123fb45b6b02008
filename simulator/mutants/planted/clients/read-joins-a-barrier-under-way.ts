import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a read joins a barrier that is under way already',
  source: 'design 5: a read joins a round only before that round was sent; Ongaro 2014, 6.4',
  host: 'node',
  workload: 'slow echoes',
  mark: 'completeReadBarrier',
  patches: [
    {
      file: 'src/runtime/reads.ts',
      find: `    this.#size++;
    this.#gathering.push(waiter);`,
      replace: `    this.#size++;
    const underWay = [...this.#inFlight.values()].at(-1) as BarrierWaiter[] | undefined;
    if (underWay !== undefined) {
      underWay.push(waiter);
      return;
    }
    this.#gathering.push(waiter);`,
    },
  ],
};
