import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'who watches takes each batch of a transaction for a change of its own',
  source: 'design 2; etcd API guarantees, watch streams: atomic',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/watch/delta-of.ts',
      find: '    yield { delta: isPart ? { ...begins, continues: true } : begins, bytes: batch.sizeInBytes };',
      replace: '    yield { delta: begins, bytes: isPart ? batch.sizeInBytes : batch.sizeInBytes };',
    },
  ],
};
