import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'whoever watches some kinds hears of nothing after the state, and is not told that there was more',
  source: 'etcd API guarantees, watch: reliable; etcd robustness tests, watch validation',
  host: 'node',
  workload: 'watchers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/watch/kind-filter.ts',
      find: '    return name !== undefined && this.kinds.has(name);',
      replace: '    return name !== undefined && this.kinds.has(type);',
    },
    {
      file: 'src/runtime/watch/watcher.ts',
      find: '    if (lastWanted === undefined) return false;',
      replace: `    if (lastWanted === undefined) {
      this.#toldPosition = this.#position;
      return false;
    }`,
    },
  ],
};
