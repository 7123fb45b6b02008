import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a snapshot is named after the present epoch',
  source: 'KIP-630: the epoch of the last record that it holds',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/checkpoint/snapshots.ts',
      find: 'snapshotId: { endOffset: image.endOffset, epoch: image.epoch },',
      replace: 'snapshotId: { endOffset: image.endOffset, epoch: core.epoch },',
    },
  ],
};
