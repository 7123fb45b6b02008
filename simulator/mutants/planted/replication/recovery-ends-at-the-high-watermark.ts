import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a recovering node is whole again at the high watermark',
  source: 'design 19: an acknowledgement that it has forgotten may be what commits',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot recovering',
  patches: [
    {
      file: 'src/raft/recovering.ts',
      find: 'core.recoveryTarget ??= records.logEndOffset;',
      replace: 'core.recoveryTarget ??= records.highWatermark;',
    },
  ],
};
