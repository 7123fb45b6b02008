import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a snapshot says that it holds what is committed when it is described',
  source: 'etcd 13766: an index is persisted without the effect of its entry',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/checkpoint/snapshots.ts',
      find: `    const chainCrc = storage.log.chainCrcAt(image.endOffset);
    if (chainCrc === null) return null;
    return {
      snapshotId: { endOffset: image.endOffset, epoch: image.epoch },`,
      replace: `    const end = core.highWatermark;
    const chainCrc = storage.log.chainCrcAt(end);
    if (chainCrc === null) return null;
    return {
      snapshotId: { endOffset: end, epoch: core.epoch },`,
    },
  ],
};
