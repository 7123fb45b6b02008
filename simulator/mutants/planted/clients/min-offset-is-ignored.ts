import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a stale read does not wait for the offset that its caller demands',
  source: 'design 21; ZooKeeper, the single system image of a session over servers',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/requests/request-router.ts',
      find: '    if (minOffset === null || this.#options.view.image().endOffset >= minOffset) {',
      replace: '    if (minOffset === null || this.#options.view.image().endOffset >= 0) {',
    },
  ],
};
