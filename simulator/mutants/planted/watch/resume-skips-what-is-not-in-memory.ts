import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a watch that goes on begins with what is in memory',
  source: 'etcd API guarantees, watch: reliable; etcd robustness tests, watch validation',
  host: 'node',
  workload: 'watchers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/watch/watcher.ts',
      find: `    this.#position = options.position;
`,
      replace: `    const { position, state, recent } = options;
    this.#position = state === null && position < recent.start ? recent.start : position;
`,
    },
  ],
};
