import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a new leader serves before it has replayed up to the start of its epoch',
  source: 'KAFKA-15345, KAFKA-17333; Raft paper, 8',
  host: 'node',
  workload: 'mixed',
  mark: 'role leader',
  patches: [
    {
      file: 'src/runtime/leader/leadership.ts',
      find: '    else this.#activateOnceThere(reign, image);',
      replace: '    else this.#activate(reign, image);',
    },
  ],
};
