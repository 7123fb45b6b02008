import type { PlantedBug } from '../../planted-bug.ts';

/** A flush that completes and has written nothing, as on disks that lie: the world is wrong, and not the program. */
export const bug: PlantedBug = {
  name: 'a flush writes nothing',
  source: 'Zheng and others 2013, on disks under power faults',
  host: 'bare',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/testing/world/files.ts',
      find: 'held.file.completeFlush(flush);',
      replace: '',
    },
  ],
};
