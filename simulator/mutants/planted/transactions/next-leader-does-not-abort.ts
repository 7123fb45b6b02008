import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the next leader goes on where a transaction was left open',
  source: 'KIP-868: an in-flight transaction is aborted at failover',
  host: 'node',
  workload: 'operators',
  mark: 'role leader',
  patches: [
    {
      file: 'src/runtime/leader/leadership.ts',
      find: '        leftOpenUntil: this.#leftOpen() === null ? null : this.#options.logEndOffset(),',
      replace: '        leftOpenUntil: null,',
    },
  ],
};
