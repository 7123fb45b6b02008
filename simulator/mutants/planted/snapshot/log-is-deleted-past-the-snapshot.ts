import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the log is deleted past the snapshot',
  source: 'KAFKA-14238',
  host: 'node',
  workload: 'mixed',
  mark: 'boot behind a snapshot',
  patches: [
    {
      file: 'src/runtime/checkpoint/snapshots.ts',
      find: 'if (logStart.endOffset > before) storage.log.cleanTo(logStart);',
      replace: `const applied = this.#options.state().image;
    if (logStart.endOffset > before) storage.log.cleanTo({ endOffset: applied.endOffset, epoch: applied.epoch });`,
    },
  ],
};
