import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the quorum state is written and not flushed',
  source: 'Raft paper, Figure 2; Alice (Pillai and others, OSDI 14)',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/quorum-state/quorum-state-copies.ts',
      find: `    const flushed = yield* submitFile({ kind: 'fdatasync', handle });
    if (!flushed.ok) return flushed;`,
      replace: `    if (handle === null) return yield* submitFile({ kind: 'fdatasync', handle });`,
    },
  ],
};
