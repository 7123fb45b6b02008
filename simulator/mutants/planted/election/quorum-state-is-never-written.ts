import type { PlantedBug } from '../../planted-bug.ts';

/** Once the files exist, a write completes and has written nothing; what rests on it does not wait. */
export const bug: PlantedBug = {
  name: 'the quorum state is never written',
  source: 'Raft paper, Figure 2: currentTerm and votedFor are persistent state',
  host: 'bare',
  workload: 'mixed',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/runtime/quorum-state/quorum-state-store.ts',
      find: 'const written = yield* writeToAll(this.#handles, copy);',
      replace: 'const written = yield* writeToAll([], copy);',
    },
  ],
};
