import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a checkpoint names a later offset than its image has',
  source: 'etcd 13766: the consistent index was persisted without its effect',
  host: 'node',
  workload: 'mixed',
  mark: 'boot behind a snapshot',
  patches: [
    {
      file: 'src/runtime/checkpoint/snapshots.ts',
      find: `    const chainCrc = storage.log.chainCrcAt(image.endOffset);
    if (chainCrc === null) return null;
    return {
      snapshotId: { endOffset: image.endOffset, epoch: image.epoch },`,
      replace: `    const endOffset = core.highWatermark;
    const chainCrc = storage.log.chainCrcAt(endOffset);
    if (chainCrc === null) return null;
    return {
      snapshotId: { endOffset, epoch: image.epoch },`,
    },
  ],
};
