import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'whoever watches some kinds is given all of a batch that holds one of them',
  source: 'etcd robustness tests, watch validation: filterable; the watch’s README',
  host: 'node',
  workload: 'watchers',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/watch/kind-filter.ts',
      find: 'isLastPart ? null : { ...delta, records };',
      replace: 'isLastPart ? null : delta;',
    },
  ],
};
