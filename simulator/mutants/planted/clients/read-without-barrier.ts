import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the active controller answers reads without a barrier',
  source: 'design 5; Jepsen, etcd and Consul (2014): stale reads of a deposed leader',
  host: 'node',
  workload: 'mixed',
  mark: 'completeReadBarrier',
  patches: [
    {
      file: 'src/runtime/requests/request-router.ts',
      find: `    if (isStale) {
      this.#readWhenApplied(routed, request.minOffset);
      return;
    }
    reads.add({`,
      replace: `    if (isStale || !routed.isForwarded) {
      this.#readWhenApplied(routed, request.minOffset);
      return;
    }
    reads.add({`,
    },
  ],
};
