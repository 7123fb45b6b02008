import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the log is deleted up to what is applied, whatever the checkpoint holds',
  source: 'KAFKA-14238: KRaft metadata log should not delete segments past the latest snapshot',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/checkpoint/snapshots.ts',
      find: '    this.#checkpointer.applied(image, bytes);',
      replace: `    this.#checkpointer.applied(image, bytes);
    this.#options.storage.log.cleanTo(image);`,
    },
  ],
};
