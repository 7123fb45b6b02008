import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a follower remembers what it has passed on after it was answered',
  source: 'style 9: every queue has a limit; CWE-401, memory that is not released',
  host: 'node',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/forwarding.ts',
      find: `    pending?.timer.cancel();
    this.#pending.delete(requestId);
`,
      replace: `    pending?.timer.cancel();
`,
    },
  ],
};
