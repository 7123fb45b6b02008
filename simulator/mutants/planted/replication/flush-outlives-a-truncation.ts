import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a flush that was under way claims what a truncation has removed',
  source: 'design 1, invariant 3 of the log; etcd, unstable entries that are overwritten',
  host: 'bare',
  workload: 'mixed',
  mark: 'truncateLog',
  patches: [
    {
      file: 'src/raft/log-view.ts',
      find: `    this.#unflushed.update((append) => (append.endOffset <= to ? append : { ...append, endOffset: to }));
`,
      replace: '',
    },
  ],
};
