import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'what applies a record draws a number of its own',
  source: 'design 11; Raft paper, 2: state machines are deterministic; etcd 11651',
  host: 'node',
  workload: 'operators',
  mark: 'batch committed',
  patches: [
    {
      file: 'src/metadata/resources/session/resource.ts',
      find: 'function replayOpen(draft',
      replace: `let opened = 0;

function replayOpen(draft`,
    },
    {
      file: 'src/metadata/resources/session/resource.ts',
      find: `    timeoutMs: record.timeoutMs,
    lastUsedMs: position.timestampMs,`,
      replace: `    timeoutMs: record.timeoutMs,
    lastUsedMs: position.timestampMs + opened++,`,
    },
  ],
};
