import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader that no majority follows stays',
  source: 'KAFKA-15489; Raft thesis, 6.2',
  host: 'bare',
  workload: 'long partitions',
  mark: 'role leader',
  patches: [
    {
      file: 'src/raft/timers.ts',
      find: `  if (core.nowMs >= leadership.checkQuorumDeadlineMs) {
    resign(core, leadership, null);
    return;
  }
`,
      replace: `  if (core.nowMs >= leadership.checkQuorumDeadlineMs) {
    leadership.checkQuorumDeadlineMs = Number.POSITIVE_INFINITY;
  }
`,
    },
  ],
};
