import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a checkpoint is published and not synced, and the log before it is deleted',
  source: 'Alice (Pillai and others, OSDI 14): LevelDB without sync; design 18',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/checkpoint/write-checkpoint.ts',
      find: `    store.submit({ kind: 'write', puts, deletes: [], sync: true }, done),`,
      replace: `    store.submit({ kind: 'write', puts, deletes: [], sync: false }, done),`,
    },
    {
      file: 'src/runtime/checkpoint/write-checkpoint.ts',
      find: `  const compacted = yield* wait<StoreResult<'compact'>>((done) => store.submit({ kind: 'compact' }, done));
  if (!compacted.ok) return compacted;
`,
      replace: '',
    },
  ],
};
