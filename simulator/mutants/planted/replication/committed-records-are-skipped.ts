import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the end of what was asked for is taken for the end of a page',
  source: 'etcd 10063, cockroach 28918: committed entries skipped by pagination',
  host: 'node',
  workload: 'mixed',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/runtime/state/committed-state.ts',
      find: `return { kind: 'replayed', image: builder.freeze(end, epoch) };`,
      replace: `return { kind: 'replayed', image: builder.freeze(this.#target, epoch) };`,
    },
  ],
};
