import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a flush that was under way claims what a snapshot has replaced',
  source: 'camunda 10202: a log that is not reset on a snapshot',
  host: 'bare',
  workload: 'mixed',
  mark: 'installSnapshot',
  patches: [
    {
      file: 'src/raft/log-view.ts',
      find: `    this.#unflushed.drain();
    this.#unflushedBytes = 0;
`,
      replace: '',
    },
  ],
};
