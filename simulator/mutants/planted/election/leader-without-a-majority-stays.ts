import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader that no majority follows stays',
  source: 'KAFKA-15489; Raft thesis, 6.2',
  host: 'bare',
  workload: 'long partitions',
  mark: 'check-quorum: the leader resigns',
  patches: [
    {
      file: 'src/raft/timers.ts',
      find: `    resign(core, leadership, null);
    return;
  }
  if (core.nowMs >= leadership.tell`,
      replace: `    leadership.checkQuorumDeadlineMs = Number.POSITIVE_INFINITY;
  }
  if (core.nowMs >= leadership.tell`,
    },
  ],
};
