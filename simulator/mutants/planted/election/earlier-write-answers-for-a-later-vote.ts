import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the completion of an earlier write answers for a later vote',
  source: 'Raft paper, Figure 2; etcd, asynchronous storage writes',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/runtime/raft-driver.ts',
      find: `      if (pending > ioId) continue;
      this.#quorumStateIo.delete(pending);`,
      replace: '      this.#quorumStateIo.delete(pending);',
    },
  ],
};
