import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'the last frame counts as flushed because it can be read',
  source: 'Rebello and others (ATC 20): pages marked clean after a failed fsync; design 17',
  host: 'node',
  workload: 'mixed',
  mark: 'boot',
  patches: [
    {
      file: 'src/runtime/log/open-raft-log.ts',
      find: '  return yield* writeAndFlush(handle, range.position, frame.value);',
      replace: '  return begun;',
    },
  ],
};
