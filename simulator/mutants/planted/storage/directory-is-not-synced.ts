import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a new segment’s name is not made durable',
  source:
    'Alice (Pillai and others, OSDI 14): directory not flushed after creation or rename (LevelDB, ZooKeeper)',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/log/segment-maker.ts',
      find: `    const synced = yield* submitFile({ kind: 'syncDirectory', path: this.#directory });
    return synced.ok ? ok(new Segment(header, path, handle)) : synced;`,
      replace: '    return ok(new Segment(header, path, handle));',
    },
  ],
};
