import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'garbage collection removes the newest pages',
  source: 'reference, "garbage collection removes the newest"; design 18',
  host: 'node',
  workload: 'mixed',
  mark: 'boot behind a snapshot',
  patches: [
    {
      file: 'src/runtime/checkpoint/checkpointer.ts',
      find: `      const before = versions.replace(pageKey, endOffset);
      if (before !== null) replaced.push(before);`,
      replace: `      const before = versions.replace(pageKey, endOffset);
      if (before !== null) replaced.push(versionedPageKey(pageKey, endOffset));`,
    },
  ],
};
