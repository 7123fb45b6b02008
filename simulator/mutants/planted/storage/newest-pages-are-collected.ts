import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'what collects old pages of the checkpoint deletes the new ones',
  source: 'KIP-630: a snapshot is deleted only once there is a newer one',
  host: 'node',
  workload: 'mixed',
  mark: 'boot behind a snapshot',
  patches: [
    {
      file: 'src/runtime/checkpoint/checkpointer.ts',
      find: `      if (before !== null) replaced.push(before);
      yield* slices.pause();
    }
    for (const pageKey of gonePages)`,
      replace: `      if (before !== null) replaced.push(versionedPageKey(pageKey, endOffset));
      yield* slices.pause();
    }
    for (const pageKey of gonePages)`,
    },
  ],
};
