import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'a leader that has resigned never seeks election again',
  source: 'KAFKA-12631 on the resigned state; KIP-595',
  host: 'bare',
  workload: 'mixed',
  mark: 'role resigned',
  patches: [
    {
      file: 'src/raft/timers.ts',
      find: `if (nowMs >= role.electionDeadlineMs) seekElection(core);
  }`,
      replace: `if (nowMs >= role.electionDeadlineMs) role.electionDeadlineMs = Number.POSITIVE_INFINITY;
  }`,
    },
  ],
};
