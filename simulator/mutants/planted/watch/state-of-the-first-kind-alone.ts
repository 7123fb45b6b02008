import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'whoever watches several kinds begins with the state of the first alone',
  source: 'etcd robustness tests, watch validation: filterable; the watch’s README',
  host: 'node',
  workload: 'watchers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/watch/initial-state.ts',
      find: '  return name !== undefined && filter.kinds.has(name);',
      replace: '  return name !== undefined && [...filter.kinds].indexOf(name) === 0;',
    },
  ],
};
