import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a log that is empty behind its snapshot has no last epoch',
  source: 'RedisLabs/raft 2: last_log_term of 0 after a snapshot; atomix 1070',
  host: 'bare',
  workload: 'mixed',
  mark: 'installSnapshot',
  patches: [
    {
      file: 'src/raft/log-view.ts',
      find: 'return this.#epochStarts[this.#epochStarts.length - 1]?.epoch ?? this.#logStart.epoch;',
      replace: 'return this.#epochStarts[this.#epochStarts.length - 1]?.epoch ?? (0 as Epoch);',
    },
  ],
};
