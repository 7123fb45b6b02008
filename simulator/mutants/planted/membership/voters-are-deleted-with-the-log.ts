import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the voter set in force is deleted with the log before it',
  source: 'KIP-853 and KIP-630: snapshots and voter sets; hashicorp/raft, configurations and compaction',
  host: 'bare',
  workload: 'voter changes',
  mark: 'boot',
  patches: [
    {
      file: 'src/raft/voter-set.ts',
      find: `      this.#base = first;
      this.#records.shift();`,
      replace: '      this.#records.shift();',
    },
  ],
};
