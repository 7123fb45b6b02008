import type { PlantedBug } from '../../planted-bug.ts';

export const bug: PlantedBug = {
  name: 'whoever begins to follow truncates to what it knows to be committed',
  source: 'microsoft/CCF 5991 and 6016: eager rollback on an AppendEntries',
  host: 'bare',
  workload: 'mixed',
  mark: 'truncateLog',
  patches: [
    {
      file: 'src/raft/transition.ts',
      find: `    suspectsLeader: suspicion !== null,
  });
  announceRole(core);`,
      replace: `    suspectsLeader: suspicion !== null,
  });
  if (core.installation === null && core.log.endOffset > core.highWatermark) truncateLog(core, core.highWatermark);
  announceRole(core);`,
    },
    {
      file: 'src/raft/transition.ts',
      find: `import { endLeadership } from './end-leadership.ts';`,
      replace: `import { truncateLog } from './append.ts';
import { endLeadership } from './end-leadership.ts';`,
    },
  ],
};
