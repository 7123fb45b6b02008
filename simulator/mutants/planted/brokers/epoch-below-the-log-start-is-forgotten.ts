import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'an epoch that began below the log start is forgotten, with records of it above',
  source: 'Kafka, LeaderEpochFileCache.truncateFromStartAsyncFlush',
  host: 'node',
  workload: 'brokers',
  mark: 'replica: a log start above what is committed or flushed is wanted',
  patches: [
    {
      file: 'src/replica/leader-epochs.ts',
      find: '    this.#entries.splice(0, last);',
      replace: '    this.#entries.splice(0, last + 1);',
    },
  ],
};
