import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the quorum state counts as persisted although its flush has failed',
  source: 'Rebello and others (ATC 20); Raft paper, Figure 2',
  host: 'node',
  workload: 'disk trouble',
  mark: 'vote granted',
  patches: [
    {
      file: 'src/runtime/quorum-state/quorum-state-copies.ts',
      find: `    const flushed = yield* submitFile({ kind: 'fdatasync', handle });
    if (!flushed.ok) return flushed;`,
      replace: `    yield* submitFile({ kind: 'fdatasync', handle });`,
    },
  ],
};
