import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'voter sets in the log count for nothing after a restart',
  source: 'Raft thesis, 4.1: the latest configuration in the log; Jepsen, Redis-Raft 2020',
  host: 'bare',
  workload: 'voter changes',
  mark: 'boot',
  patches: [
    {
      file: 'src/raft/voter-set.ts',
      find: `    this.#records = records;
    for (const set`,
      replace: `    this.#records = [];
    for (const set`,
    },
    {
      file: 'src/raft/voter-set.ts',
      find: 'const [base, ...records] = recovered;',
      replace: 'const [base] = recovered;',
    },
  ],
};
